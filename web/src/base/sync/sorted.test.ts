import { describe, expect, test } from 'vitest';
import { Sorted } from './sorted';

interface Card {
  id: string;
  column: string | null;
  rank: string;
}

const index = { group: ({ column }: Card) => column, sort: ({ rank }: Card) => rank };

/** What the lists must be, computed the slow way. */
function expected(rows: Map<string, Card>, column: string): string[] {
  return [...rows.values()]
    .filter((card) => card.column === column)
    .sort((a, b) => (a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : a.id < b.id ? -1 : 1))
    .map(({ id }) => id);
}

/** A small generator, so that a failing run can be repeated. */
function random(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state % n;
  };
}

describe('Sorted', () => {
  test('orders by bytes, as the server does, and then by id', () => {
    const rows = new Map<string, Card>();
    const sorted = new Sorted(index, rows);
    for (const [id, rank] of [
      ['1', 'a'],
      ['2', 'Z'],
      ['3', 'a0'],
      ['5', 'a'],
      ['4', 'a'],
    ]) {
      const card = { id: id!, column: 'x', rank: rank! };
      rows.set(card.id, card);
      sorted.insert(card);
    }
    expect(sorted.group('x')).toEqual(['2', '1', '4', '5', '3']);
  });

  test.each([1, 2, 3, 4, 5])('stays right over a thousand random changes (seed %i)', (seed) => {
    const next = random(seed);
    const rows = new Map<string, Card>();
    const sorted = new Sorted(index, rows);
    const columns = ['x', 'y', null];
    for (let step = 0; step < 1_000; step++) {
      const id = String(next(60));
      const old = rows.get(id);
      const row = next(4) === 0 ? undefined : { id, column: columns[next(3)]!, rank: 'abcdefgh'[next(8)]! };
      if (old) sorted.remove(old);
      if (row) rows.set(id, row);
      else rows.delete(id);
      if (row) sorted.insert(row);
    }
    for (const column of ['x', 'y']) expect(sorted.group(column)).toEqual(expected(rows, column));
    sorted.rebuild();
    for (const column of ['x', 'y']) expect(sorted.group(column)).toEqual(expected(rows, column));
  });

  test('a changed list is a new array, an unchanged one the same', () => {
    const rows = new Map<string, Card>();
    const sorted = new Sorted(index, rows);
    const add = (card: Card) => {
      rows.set(card.id, card);
      sorted.insert(card);
    };
    add({ id: 'a', column: 'x', rank: '1' });
    add({ id: 'b', column: 'y', rank: '1' });
    sorted.take();
    const [x, y] = [sorted.group('x'), sorted.group('y')];
    add({ id: 'c', column: 'x', rank: '0' });
    expect(sorted.group('x')).not.toBe(x);
    expect(x).toEqual(['a']);
    expect(sorted.group('y')).toBe(y);
    expect([...sorted.take()]).toEqual(['x']);
    expect([...sorted.take()]).toEqual([]);
  });
});
