import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { emptyBrowser } from '../testing';
import { lead } from './leader';

interface Tab {
  leading: boolean;
  ended: AbortController;
}

const tabs: Tab[] = [];
function tab(): Tab {
  const one: Tab = { leading: false, ended: new AbortController() };
  const onLead = (signal: AbortSignal) => {
    one.leading = true;
    signal.addEventListener('abort', () => (one.leading = false));
  };
  void lead('test', onLead, one.ended.signal);
  tabs.push(one);
  return one;
}
const leaders = () => tabs.filter(({ leading }) => leading).length;

beforeEach(emptyBrowser);
afterEach(() => {
  for (const { ended } of tabs.splice(0)) ended.abort();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** As much of the Web Locks as is used: one holder by name, the others in line. */
function locks(): void {
  let last: Promise<unknown> = Promise.resolve();
  const request = (_: string, { signal }: { signal: AbortSignal }, hold: () => Promise<void>) => {
    const turn = last.then(() => (signal.aborted ? undefined : hold()));
    last = turn;
    return turn;
  };
  vi.stubGlobal('navigator', { locks: { request } });
}

test('with locks one tab leads, and the next one when it goes', async () => {
  locks();
  const [first, second] = [tab(), tab()];
  await vi.waitFor(() => expect(first.leading).toBe(true));
  expect(second.leading).toBe(false);
  first.ended.abort();
  await vi.waitFor(() => expect(second.leading).toBe(true));
  expect(leaders()).toBe(1);
});

test('without locks one of many tabs leads', async () => {
  expect('locks' in navigator).toBe(false);
  for (let i = 0; i < 5; i++) tab();
  await vi.waitFor(() => expect(leaders()).toBe(1));
});

test('without locks the lease of a tab that goes is free at the next beat', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
  const first = tab();
  await vi.waitFor(() => expect(first.leading).toBe(true));
  const second = tab();
  await vi.advanceTimersByTimeAsync(4_000);
  expect(second.leading).toBe(false);
  first.ended.abort();
  await vi.waitFor(async () => {
    await vi.advanceTimersByTimeAsync(2_000);
    expect(second.leading).toBe(true);
  });
});

test('without locks a tab that was asleep finds its lease taken and steps back', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
  const first = tab();
  await vi.waitFor(() => expect(first.leading).toBe(true));
  // Asleep: the clock goes on, its timers do not.
  vi.setSystemTime(Date.now() + 60_000);
  const second = tab();
  await vi.waitFor(() => expect(second.leading).toBe(true));
  await vi.waitFor(async () => {
    await vi.advanceTimersByTimeAsync(2_000);
    expect(leaders()).toBe(1);
  });
});
