import { beforeEach, afterEach, describe, expect, it, vi } from 'vitest';
import { createApi, Session, Vault } from '../../base/api';
import { gate, json, offline, problem, serve, type Handler } from '../../base/testing';
import { Finder } from './finder.svelte';

const page = (found: number) => ({ items: [], nextCursor: null, found, more: false });

function setUp(handler: Handler) {
  const asked = serve(handler);
  return { asked, finder: new Finder(createApi(new Session(new Vault()))) };
}

describe('what only the server can search', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('is asked for once, when the typing pauses, as it was typed', async () => {
    const { asked, finder } = setUp(() => json(page(3)));
    for (const typed of ['l', 'li', 'lig ']) finder.look(typed);
    expect(finder.stage).toBe('asking');
    await vi.runAllTimersAsync();
    expect([finder.stage, finder.answer?.found]).toEqual(['there', 3]);
    expect(asked.map(({ path }) => path)).toEqual(['/api/search?q=lig+&limit=40']);
  });

  it('is not asked for nothing, and what was found goes with what was typed', async () => {
    const { asked, finder } = setUp(() => json(page(1)));
    finder.look('x');
    await vi.runAllTimersAsync();
    finder.look('  ');
    await vi.runAllTimersAsync();
    expect([finder.stage, finder.answer, asked.length]).toEqual(['idle', null, 1]);
  });

  it('hears no more of what was typed before', async () => {
    const slow = gate<Response>();
    const { finder } = setUp(({ path }) => (path.includes('q=first') ? slow.wait : json(page(2))));
    finder.look('first');
    await vi.advanceTimersByTimeAsync(200);
    finder.look('second');
    await vi.runAllTimersAsync();
    slow.open(json(page(1)));
    await vi.runAllTimersAsync();
    expect([finder.stage, finder.answer?.found]).toEqual(['there', 2]);
  });

  it.each([
    ['offline', offline],
    ['unanswered', () => problem(503)],
  ] as const)('is said to be %s, and can be asked for again', async (stage, first) => {
    let silent = true;
    const { finder } = setUp(() => (silent ? first() : json(page(5))));
    finder.look('x');
    await vi.runAllTimersAsync();
    expect([finder.stage, finder.answer]).toEqual([stage, null]);
    silent = false;
    finder.again();
    await vi.runAllTimersAsync();
    expect([finder.stage, finder.answer?.found]).toEqual(['there', 5]);
  });

  it('is left when the palette closes', async () => {
    const { asked, finder } = setUp(() => json(page(1)));
    finder.look('x');
    finder.stop();
    await vi.runAllTimersAsync();
    expect(asked).toEqual([]);
  });
});
