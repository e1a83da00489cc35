import { describe, expect, it } from 'vitest';
import { apply, around, lines, link } from './markup';

function typed(text: string, from: number, to: number, edit: typeof link): { value: string; chosen: string } {
  const area = document.createElement('textarea');
  area.value = text;
  apply(area, edit({ text, start: from, end: to }));
  return { value: area.value, chosen: area.value.slice(area.selectionStart, area.selectionEnd) };
}

describe('the toolbar of the editor', () => {
  it('puts a mark around the selection and takes it off again', () => {
    expect(typed('one two', 4, 7, (s) => around(s, '**'))).toEqual({ value: 'one **two**', chosen: 'two' });
    expect(typed('one **two**', 6, 9, (s) => around(s, '**'))).toEqual({ value: 'one two', chosen: 'two' });
  });

  it('begins every chosen line, and takes the prefix off when all have it', () => {
    expect(typed('a\nb\nc', 0, 3, (s) => lines(s, '- ')).value).toBe('- a\n- b\nc');
    expect(typed('- a\n- b', 1, 6, (s) => lines(s, '- ')).value).toBe('a\nb');
  });

  it('makes a link and selects the address', () => {
    expect(typed('see docs', 4, 8, link)).toEqual({ value: 'see [docs](https://)', chosen: 'https://' });
  });
});
