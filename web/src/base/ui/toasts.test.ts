import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Toasts } from './toasts.svelte';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const texts = (toasts: Toasts) => toasts.list.map(({ text }) => text);

describe('toasts', () => {
  it('go by themselves, those that can be acted on later', () => {
    const toasts = new Toasts();
    toasts.show('created');
    toasts.alert('not taken');
    vi.advanceTimersByTime(7_000);
    expect(texts(toasts)).toEqual(['not taken']);
    vi.advanceTimersByTime(7_000);
    expect(texts(toasts)).toEqual([]);
  });

  it('stay while somebody reads them', () => {
    const toasts = new Toasts();
    const id = toasts.show('created');
    toasts.hold(id);
    vi.advanceTimersByTime(60_000);
    expect(texts(toasts)).toEqual(['created']);
    toasts.release(id);
    vi.advanceTimersByTime(7_000);
    expect(texts(toasts)).toEqual([]);
  });

  it('are never more than four', () => {
    const toasts = new Toasts();
    for (const text of ['1', '2', '3', '4', '5']) toasts.show(text);
    expect(texts(toasts)).toEqual(['2', '3', '4', '5']);
  });
});
