import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createApi, Session, Vault } from '../../base/api';
import { gate, json, serve } from '../../base/testing';
import { Results } from './results.svelte';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('reads page by page, and anew for another text', async () => {
  const asked = serve(({ path }) => {
    const last = path.includes('cursor') || path.includes('q=b');
    const item = { commentId: path.includes('cursor') ? 'c' : null, issueId: 'i' };
    return json({ items: [item], nextCursor: last ? null : 'n', found: last ? 1 : 2, more: !last });
  });
  const results = new Results(createApi(new Session(new Vault())));
  results.look('a');
  results.look('a');
  await vi.runAllTimersAsync();
  expect([results.found, results.more, results.pages.more]).toEqual([2, true, true]);
  await results.pages.next();
  expect(results.pages.list.map(({ id }) => id)).toEqual(['i', 'c']);
  results.look('b');
  await vi.runAllTimersAsync();
  expect([results.pages.list.length, results.found, results.more]).toEqual([1, 1, false]);
  expect(asked.map(({ path }) => path)).toEqual([
    '/api/search?q=a&limit=50',
    '/api/search?q=a&limit=50&cursor=n',
    '/api/search?q=b&limit=50',
  ]);
});

it('goes on with the text whose pages it shows, until the next one is asked for', async () => {
  const asked = serve(() => json({ items: [], nextCursor: 'n', found: 2, more: false }));
  const results = new Results(createApi(new Session(new Vault())));
  results.look('a');
  await vi.runAllTimersAsync();
  results.look('b');
  await results.pages.next();
  await vi.runAllTimersAsync();
  expect(asked.map(({ path }) => path)).toEqual([
    '/api/search?q=a&limit=50',
    '/api/search?q=a&limit=50&cursor=n',
    '/api/search?q=b&limit=50',
  ]);
});

it('counts what it shows, also when an answer to what was asked before comes late', async () => {
  const slow = gate<Response>();
  const page = (found: number, more: boolean) => json({ items: [], nextCursor: null, found, more });
  serve(({ path }) => (path.includes('q=slow') ? slow.wait : page(2, false)));
  const results = new Results(createApi(new Session(new Vault())));
  results.look('slow');
  await vi.advanceTimersByTimeAsync(10);
  results.look('quick');
  await vi.runAllTimersAsync();
  slow.open(page(500, true));
  await vi.runAllTimersAsync();
  expect([results.found, results.more]).toEqual([2, false]);
});
