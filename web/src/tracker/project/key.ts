/** Keys of projects: 2 to 10 capital letters and digits, beginning with a letter. */
const MAX = 10;

export function isKey(text: string): boolean {
  return /^[A-Z][A-Z0-9]{1,9}$/u.test(text);
}

/** What is typed into the key's field, as far as it can be part of a key. */
export function toKey(text: string): string {
  return plain(text).replace(/^\d+/u, '').slice(0, MAX);
}

/** A key for a name: the initials of several words, or the beginning of one; another one when it is taken. */
export function suggestKey(name: string, taken: ReadonlySet<string> = new Set()): string {
  const words = name
    .split(/[^\p{L}\p{N}]+/u)
    .map(plain)
    .filter(Boolean);
  const initials = words.map((word) => word.charAt(0)).join('');
  const base = toKey(words.length > 1 && initials.length > 1 ? initials : (words[0] ?? '').slice(0, 4));
  if (!isKey(base)) return '';
  for (let n = 2, key = base; ; n++) {
    if (!taken.has(key)) return key;
    key = base.slice(0, MAX - String(n).length) + String(n);
  }
}

function plain(text: string): string {
  return text
    .normalize('NFD')
    .toUpperCase()
    .replace(/[^A-Z0-9]/gu, '');
}
