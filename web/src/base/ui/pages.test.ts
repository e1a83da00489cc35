import { describe, expect, it } from 'vitest';
import { gate } from '../testing';
import { Pages } from './pages.svelte';

type Answer = { items: number[]; nextCursor: string | null };

describe('a list that comes page by page', () => {
  it('goes on where the page before ended', async () => {
    const asked: (string | null)[] = [];
    const pages = new Pages<number>(() => (cursor) => {
      asked.push(cursor);
      return Promise.resolve(cursor === null ? { items: [1, 2], nextCursor: '2' } : { items: [3], nextCursor: null });
    });
    await pages.first();
    expect([pages.list, pages.more, pages.loading]).toEqual([[1, 2], true, false]);
    await pages.next();
    expect([pages.list, pages.more]).toEqual([[1, 2, 3], false]);
    expect(asked).toEqual([null, '2']);
  });

  it('goes on with what its first page was of, while somebody types something else', async () => {
    const asked: string[] = [];
    let text = 'a';
    const pages = new Pages<number>(() => {
      const asking = text;
      return (cursor) => {
        asked.push(`${asking} ${cursor ?? 'first'}`);
        return Promise.resolve({ items: [asked.length], nextCursor: `${asking}${asked.length}` });
      };
    });
    await pages.first();
    text = 'b';
    await pages.next();
    expect(asked).toEqual(['a first', 'a a1']);
    await pages.first();
    await pages.next();
    expect(asked.slice(2)).toEqual(['b first', 'b b3']);
  });

  it('hears no more of what was asked before', async () => {
    const [slow, quick] = [gate<Answer>(), gate<Answer>()];
    const answers = [slow.wait, quick.wait];
    const pages = new Pages<number>(() => () => answers.shift()!);
    const before = pages.first();
    const after = pages.first();
    quick.open({ items: [2], nextCursor: null });
    await after;
    slow.open({ items: [1], nextCursor: '1' });
    await before;
    expect([pages.list, pages.more, pages.loading, pages.answer?.items]).toEqual([[2], false, false, [2]]);
  });

  it('keeps what is there when the next page does not come, and asks for the same again', async () => {
    const asked: (string | null)[] = [];
    const pages = new Pages<number>(() => (cursor) => {
      asked.push(cursor);
      if (asked.length === 2) return Promise.reject(new Error('gone'));
      return Promise.resolve({ items: [asked.length], nextCursor: asked.length === 1 ? '1' : null });
    });
    await pages.first();
    await pages.next();
    expect([pages.list, pages.more, String(pages.error)]).toEqual([[1], true, 'Error: gone']);
    await pages.next();
    expect([pages.list, pages.error]).toEqual([[1, 3], null]);
    expect(asked).toEqual([null, '1', '1']);
  });
});
