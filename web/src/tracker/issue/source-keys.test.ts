import { afterEach, expect, test, vi } from 'vitest';
import type { Api } from '../../base/api';
import { SourceKeys } from './source-keys.svelte';

afterEach(() => vi.useRealTimers());

/** A server that knows one key, and what it was asked. */
function server() {
  const asked: string[] = [];
  const GET = (_path: string, { params }: { params: { query: { q: string } } }) => {
    asked.push(params.query.q);
    const items = params.query.q === 'XD-7' ? [{ id: 'seven' }] : [];
    return Promise.resolve({ data: { items, nextCursor: null }, response: new Response(null, { status: 200 }) });
  };
  return { api: { GET } as unknown as Api, asked };
}

test('a key of another tracker is looked up once the typing pauses', async () => {
  vi.useFakeTimers();
  const { api, asked } = server();
  const keys = new SourceKeys(api);
  for (const text of ['X', 'XD', 'XD-', 'XD-7']) keys.look('MESOS', text);
  await vi.runAllTimersAsync();
  expect(asked).toEqual(['XD-7']);
  expect([...keys.found]).toEqual(['seven']);
});

test('other texts ask nothing and forget what was found', async () => {
  vi.useFakeTimers();
  const { api, asked } = server();
  const keys = new SourceKeys(api);
  keys.look('MESOS', 'XD-7');
  await vi.runAllTimersAsync();
  keys.look('MESOS', 'XD-7 and more');
  expect(keys.found.size).toBe(0);
  await vi.runAllTimersAsync();
  keys.look(undefined, 'XD-7');
  await vi.runAllTimersAsync();
  expect(asked).toEqual(['XD-7']);
});

test('a text that was there before the project is looked up when the project comes', async () => {
  vi.useFakeTimers();
  const { api, asked } = server();
  const keys = new SourceKeys(api);
  keys.look(undefined, 'XD-7'); // a link or a reload: the address is read first
  keys.look('MESOS', 'XD-7');
  await vi.runAllTimersAsync();
  expect(asked).toEqual(['XD-7']);
  expect([...keys.found]).toEqual(['seven']);
});

test('what one project found is not shown in another', async () => {
  vi.useFakeTimers();
  const { api, asked } = server();
  const keys = new SourceKeys(api);
  keys.look('MESOS', 'XD-7');
  await vi.runAllTimersAsync();
  keys.look('OTHER', 'XD-7');
  expect(keys.found.size).toBe(0);
  await vi.runAllTimersAsync();
  expect(asked).toEqual(['XD-7', 'XD-7']);
});
