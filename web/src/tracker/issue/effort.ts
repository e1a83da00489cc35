/** Effort in points: the usual steps, any other number from 0, or none. */
import { m } from '../../base/i18n';
import type { Option } from '../../base/ui/options';

const STEPS = [1, 2, 3, 5, 8, 13, 21] as const;
const MAX = 100_000;

/** The number that a text stands for; null when it is not one that the server takes (three decimals at most). */
export function parseEffort(text: string): number | null {
  const plain = text.trim().replace(',', '.');
  if (!/^\d+(\.\d{1,3})?$/u.test(plain)) return null;
  const points = Number(plain);
  return points <= MAX ? points : null;
}

/** None and the usual steps, and the present value where it is another one. */
export function effortOptions(present: number | null): Option<number | null>[] {
  const points = new Set<number>(STEPS);
  if (present !== null) points.add(present);
  const steps = [...points].sort((a, b) => a - b);
  return [{ value: null, label: m.issue_no_effort() }, ...steps.map((value) => ({ value, label: String(value) }))];
}

/** For a picker that takes typed numbers. */
export function customEffort(text: string): Option<number | null> | null {
  const points = parseEffort(text);
  return points === null ? null : { value: points, label: String(points) };
}
