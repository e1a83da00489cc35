import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createApi, Session, Vault } from '../../base/api';
import { json, serve } from '../../base/testing';
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
