import { describe, expect, test, vi } from 'vitest';
import { beginningOf, readSnapshot } from './beginning';
import type { Snapshot } from './types';

const rows = (count: number, title = 'x') => Array.from({ length: count }, (_, i) => ({ id: `i${i}`, title }));
const whole = (issues: object[]) =>
  ({ scope: 'project:1', epoch: 'e', seq: 7, entities: { status: [{ id: 's' }], issue: issues } }) as Snapshot;

async function* pieces(text: string, size: number): AsyncGenerator<string> {
  for (let at = 0; at < text.length; at += size) yield await Promise.resolve(text.slice(at, at + size));
}

describe('the beginning of a snapshot', () => {
  test('has all entities before the last one, and its first rows', () => {
    const text = JSON.stringify(whole(rows(9)));
    const beginning = beginningOf(text.slice(0, text.indexOf('"i4"')));
    expect(beginning).toEqual(whole(rows(9).slice(0, 3)));
  });

  test('is never anything that the whole does not say, wherever it is cut', () => {
    const hostile = ['},{"id":"', '\\"},{\\"id\\":\\"x', 'a\\', '"', ']}}', '\u2028{'];
    const snapshot = whole(hostile.map((title, i) => ({ id: `i${i}`, title })));
    const text = JSON.stringify(snapshot);
    for (let cut = 0; cut <= text.length; cut++) {
      const issues = beginningOf(text.slice(0, cut))?.entities.issue ?? [];
      expect(issues).toEqual(snapshot.entities.issue!.slice(0, issues.length));
    }
  });

  test('is not taken from within a row', () => {
    const nested = whole([{ id: 'i0', labels: [{ id: 'a' }, { id: 'b' }] }]);
    const text = JSON.stringify(nested);
    expect(beginningOf(text.slice(0, text.indexOf('"b"') + 3))).toBeNull();
    expect(beginningOf('{"scope":"org"')).toBeNull();
  });
});

describe('reading a snapshot', () => {
  test.each([10_000, 1_000_000])(
    'of many rows in pieces of %d shows the first ones once, then gives all',
    async (size) => {
      const snapshot = whole(rows(5_000, 'A title as people write them.'));
      const begun = vi.fn<(beginning: Snapshot) => void>();
      expect(await readSnapshot(pieces(JSON.stringify(snapshot), size), begun)).toEqual(snapshot);
      expect(begun).toHaveBeenCalledOnce();
      const shown = begun.mock.calls[0]![0].entities.issue!.length;
      expect(shown).toBeGreaterThan(500);
      expect(shown).toBeLessThan(1_500);
    },
  );

  test('of few rows shows nothing before', async () => {
    const begun = vi.fn();
    expect(await readSnapshot(pieces(JSON.stringify(whole(rows(9))), 50), begun)).toEqual(whole(rows(9)));
    expect(begun).not.toHaveBeenCalled();
  });

  test('that breaks off throws', async () => {
    await expect(readSnapshot(pieces('{"scope":"org"', 5), vi.fn())).rejects.toThrow(SyntaxError);
  });
});
