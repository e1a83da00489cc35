import { describe, expect, it } from 'vitest';
import { hue, initials } from './avatar';
import { shortDay, today } from './dates';
import { step } from './place';

describe('what people and days look like', () => {
  it.each([
    ['Mika Laine', 'ML'],
    ['Ana Maria de Souza', 'AS'],
    ['Plato', 'PL'],
    ['  ', '?'],
    ['李 小龍', '李小'],
    ['👩‍🚀 Sally', '👩S'],
  ])('the initials of %s are %s', (name, letters) => expect(initials(name)).toBe(letters));

  it('gives the same hue to the same id and spreads others', () => {
    expect(hue('018f-a')).toBe(hue('018f-a'));
    expect(new Set(['a', 'b', 'c', 'd', 'e', 'f'].map(hue)).size).toBeGreaterThan(4);
  });

  it('writes a day short, with the year where it is another one', () => {
    const now = new Date('2026-11-24T12:00:00');
    expect(shortDay('2026-11-27', now, 'en')).toBe('Nov 27');
    expect(shortDay('2027-01-02', now, 'en')).toBe('Jan 2, 2027');
    expect(shortDay('nonsense', now, 'en')).toBe('nonsense');
    expect(today(new Date(2026, 0, 5))).toBe('2026-01-05');
  });

  it('moves round a list and ignores other keys', () => {
    expect([
      step('ArrowDown', 2, 3),
      step('ArrowUp', 0, 3),
      step('End', 0, 3),
      step('x', 0, 3),
      step('Home', 0, 0),
    ]).toEqual([0, 2, 2, null, null]);
  });
});
