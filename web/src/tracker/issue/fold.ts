const SPELLED: Record<string, string> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  þ: 'th',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  ħ: 'h',
  ı: 'i',
  ς: 'σ',
};
const LETTERS = new RegExp(`[${Object.keys(SPELLED).join('')}]`, 'gu');

/**
 * Case and diacritics do not count: "Łódź" is found by "lodz". As the server folds (internal/base/fold), so that the
 * same is found here and there.
 */
export function fold(text: string): string {
  if (/^[\0-\x7f]*$/u.test(text)) return text.toLowerCase();
  const plain = text
    .normalize('NFKD')
    .replace(/\p{Mn}/gu, '')
    .toLowerCase();
  return plain.replace(LETTERS, (letter) => SPELLED[letter]!);
}
