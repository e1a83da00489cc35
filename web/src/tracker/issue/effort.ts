/** Effort in points: the usual steps, any other number from 0, or none. */
export const STEPS = [1, 2, 3, 5, 8, 13, 21] as const;
export const MAX_EFFORT = 100_000;

/** The number that a text stands for; null when it is not one that the server takes (three decimals at most). */
export function parseEffort(text: string): number | null {
  const plain = text.trim().replace(',', '.');
  if (!/^\d+(\.\d{1,3})?$/u.test(plain)) return null;
  const points = Number(plain);
  return points <= MAX_EFFORT ? points : null;
}
