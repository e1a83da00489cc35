import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Problem } from '../api';
import { gate, silent } from '../testing';
import { MemoryQueue } from '../persist';
import { Engine } from './engine';
import { card, cards, mutations, pending, snapshot, type Sink } from './fixture';
import type { Queue, Told } from './outbox';
import type { Answer, Pending, Refusal } from './types';

let sent: { name: string; args: unknown; tx: string }[];
let respond: (name: string, args: unknown, tx: string) => Promise<Answer>;
let refusals: Refusal[];
const engines: Engine[] = [];

const sink: Sink = {
  send: (name, args, tx) => {
    sent.push({ name, args, tx });
    return respond(name, args, tx);
  },
};
const { edit, add, drop } = mutations(sink);

function tab(queue: Queue, tell: (message: Told) => void = () => undefined): Engine {
  const engine = new Engine({
    api: {} as never,
    remote: silent,
    queue,
    actor: 'ada',
    entities: [cards as never],
    mutations: [edit as never, add as never, drop as never],
    tell,
    onRefused: (refusal) => refusals.push(refusal),
  });
  engine.replica.load(snapshot([card('a'), card('b')]));
  engine.replica.load(snapshot([], 1, 'project:2'));
  engines.push(engine);
  return engine;
}

const lead = (engine: Engine) => {
  const ended = new AbortController();
  engine.outbox.lead(ended.signal);
  return ended;
};
const title = (engine: Engine, id = 'a') => engine.replica.reader.get(cards, id)?.title;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  sent = [];
  refusals = [];
  respond = () => Promise.resolve({});
});
afterEach(() => {
  for (const engine of engines.splice(0)) engine.close();
  vi.useRealTimers();
});

describe('sending', () => {
  test('goes one by one and in order within a scope, at once between scopes', async () => {
    const first = gate();
    respond = async (_, args) => {
      if ((args as { patch: { title?: string } }).patch.title === '1') await first.wait;
      return {};
    };
    const engine = tab(new MemoryQueue());
    lead(engine);
    const one = engine.mutate(edit, { id: 'a', patch: { title: '1' } });
    const two = engine.mutate(edit, { id: 'a', patch: { title: '2' } });
    const other = engine.mutate(edit, { id: 'x', patch: { title: '3' }, scope: 'project:2' });
    await other.done;
    expect(sent.map(({ tx }) => tx)).toEqual([one.tx, other.tx]);
    first.open();
    await two.done;
    expect(sent.map(({ tx }) => tx)).toEqual([one.tx, other.tx, two.tx]);
  });

  test('waits for a lost network and a server in trouble, with the same id and in order', async () => {
    const troubles = [
      new TypeError('offline'),
      new Problem({ status: 503, retryAfter: 1 }),
      new Problem({ status: 401 }),
    ];
    respond = () => {
      const trouble = troubles.shift();
      return trouble ? Promise.reject(trouble) : Promise.resolve({ value: 'done' });
    };
    const engine = tab(new MemoryQueue());
    lead(engine);
    const one = engine.mutate(edit, { id: 'a', patch: { title: 'Mine' } });
    engine.mutate(edit, { id: 'a', patch: { rank: 'z' } });
    await vi.advanceTimersByTimeAsync(30_000);
    await expect(one.done).resolves.toBe('done');
    expect(sent.map(({ tx }) => tx).slice(0, 4)).toEqual([one.tx, one.tx, one.tx, one.tx]);
    expect(sent).toHaveLength(5);
    expect(refusals).toEqual([]);
  });

  test('goes on at once when the network is back', async () => {
    respond = () => Promise.reject(new TypeError('offline'));
    const engine = tab(new MemoryQueue());
    lead(engine);
    const { done } = engine.mutate(edit, { id: 'a', patch: { title: 'Mine' } });
    await vi.advanceTimersByTimeAsync(60_000);
    const tries = sent.length;
    expect(tries).toBeGreaterThan(2);
    expect(title(engine)).toBe('Mine');
    respond = () => Promise.resolve({});
    engine.outbox.wake();
    await done;
    expect(sent).toHaveLength(tries + 1);
  });
});

describe('a refusal', () => {
  test.each([400, 403, 404, 409, 413, 422])(
    '%i drops it, goes back, hands the text back and lets the next go',
    async (status) => {
      respond = (_, args) =>
        (args as { patch: { text?: string } }).patch.text
          ? Promise.reject(new Problem({ status, detail: 'No.' }))
          : Promise.resolve({});
      const queue = new MemoryQueue();
      const engine = tab(queue);
      lead(engine);
      const { done } = engine.mutate(edit, { id: 'a', patch: { title: 'Mine', text: 'My words' } });
      const next = engine.mutate(edit, { id: 'b', patch: { title: 'Next' } });
      await expect(done).rejects.toMatchObject({ status, message: 'No.' });
      await next.done;
      expect(title(engine)).toBe('A');
      expect(refusals).toMatchObject([{ status, message: 'No.', text: 'My words' }]);
      await vi.waitFor(async () => expect(await queue.load()).toEqual([]));
    },
  );

  test('of something that is too old, or that this version does not know, comes without asking the server', async () => {
    const queue = new MemoryQueue();
    await queue.put(pending('t1', 'card.edit', { id: 'a', patch: { title: 'Old' } }, { at: '2020-01-01T00:00:00Z' }));
    await queue.put(pending('t2', 'moon.fly', {}));
    const engine = tab(queue);
    await engine.outbox.restore();
    expect(title(engine)).toBe('Old');
    lead(engine);
    await vi.waitFor(() => expect(refusals.map(({ pending: { tx } }) => tx)).toEqual(['t1', 't2']));
    expect(sent).toEqual([]);
    expect(title(engine)).toBe('A');
  });
});

describe('the queue', () => {
  test('outlives a reload: what waits shows and is sent, in order', async () => {
    respond = () => Promise.reject(new TypeError('offline'));
    const queue = new MemoryQueue();
    const before = tab(queue);
    lead(before);
    const one = before.mutate(add, { title: 'New' });
    const two = before.mutate(edit, { id: one.tx, patch: { title: 'Better' } });
    await vi.waitFor(async () => expect(await queue.load()).toHaveLength(2));
    before.close();
    sent = [];

    respond = (name) =>
      Promise.resolve(name === 'card.add' ? { rows: [{ entity: 'card', row: card('real', { title: 'New' }) }] } : {});
    const after = tab(queue);
    await after.outbox.restore();
    expect(title(after, one.tx)).toBe('Better');
    lead(after);
    await vi.waitFor(() => expect(after.replica.pending()).toEqual([]));
    expect(sent.map(({ tx }) => tx)).toEqual([one.tx, two.tx]);
    expect(sent[1]!.args).toEqual({ id: 'real', patch: { title: 'Better' } });
    await vi.waitFor(async () => expect(await queue.load()).toEqual([]));
  });

  test('keeps the real id of a created row for what waits behind it', async () => {
    const second = gate();
    respond = async (name) => {
      if (name === 'card.add') return { rows: [{ entity: 'card', row: card('real') }] };
      await second.wait;
      return {};
    };
    const queue = new MemoryQueue();
    const engine = tab(queue);
    lead(engine);
    const { tx } = engine.mutate(add, { title: 'New' });
    engine.mutate(edit, { id: tx, patch: { title: 'Better' } });
    await vi.waitFor(async () => {
      const kept: Pending[] = await queue.load();
      expect(kept.map(({ args }) => args)).toEqual([{ id: 'real', patch: { title: 'Better' } }]);
    });
    second.open();
  });

  test('that cannot be written does not stop anything', async () => {
    const broken: Queue = {
      load: () => Promise.reject(new Error('quota')),
      put: () => Promise.reject(new Error('quota')),
      remove: () => Promise.reject(new Error('quota')),
      refuse: () => Promise.reject(new Error('quota')),
    };
    respond = () => Promise.resolve({ value: 1 });
    const engine = tab(broken);
    lead(engine);
    await expect(engine.mutate(edit, { id: 'a', patch: { title: 'X' } }).done).resolves.toBe(1);
  });
});

describe('several tabs', () => {
  function two(): { leading: Engine; other: Engine; queue: MemoryQueue; ended: AbortController } {
    const queue = new MemoryQueue();
    const engine: { leading?: Engine; other?: Engine } = {};
    const pass = (to: 'leading' | 'other') => (message: Told) =>
      void Promise.resolve().then(() => engine[to]!.outbox.hear(structuredClone(message)));
    engine.leading = tab(queue, pass('other'));
    engine.other = tab(queue, pass('leading'));
    const ended = lead(engine.leading);
    return { leading: engine.leading, other: engine.other, queue, ended };
  }

  test('one sends for both, and both show it; the other one gets the answer', async () => {
    const hold = gate<Answer>();
    respond = () => hold.wait;
    const { leading, other } = two();
    const { done } = other.mutate(edit, { id: 'a', patch: { title: 'Mine' } });
    await vi.waitFor(() => expect(sent).toHaveLength(1));
    expect(title(leading)).toBe('Mine');
    hold.open({ rows: [{ entity: 'card', row: card('a', { title: 'Mine', version: 2 }) }], value: 42 });
    await expect(done).resolves.toBe(42);
    expect(leading.replica.pending()).toEqual([]);
    expect(other.replica.pending()).toEqual([]);
    expect(title(other)).toBe('Mine');
  });

  test('what is answered while a new one reads the queue waits there no more', async () => {
    const read = gate<Pending[]>();
    const kept = pending('t1', 'card.edit', { id: 'a', patch: { title: 'Mine' } });
    const opening = tab(Object.assign(new MemoryQueue(), { load: () => read.wait }));
    const restored = opening.outbox.restore();
    opening.outbox.hear({
      kind: 'answered',
      tx: 't1',
      answer: { rows: [{ entity: 'card', row: card('a', { title: 'Mine', version: 2 }) }] },
    });
    read.open([kept]);
    await restored;
    expect([opening.replica.pending(), title(opening)]).toEqual([[], 'A']); // the log brings the rest
  });

  test('a refusal is told where it was made', async () => {
    respond = () => Promise.reject(new Problem({ status: 403, detail: 'Viewers look only.' }));
    const { other } = two();
    const { done } = other.mutate(edit, { id: 'a', patch: { title: 'Mine' } });
    await expect(done).rejects.toMatchObject({ status: 403, message: 'Viewers look only.' });
    expect(refusals).toHaveLength(1);
    expect(refusals[0]!.pending.tab).toBe(other.tab);
    expect(title(other)).toBe('A');
  });

  test('when the leading one goes another one sends what is left', async () => {
    respond = () => Promise.reject(new TypeError('offline'));
    const { leading, other, ended } = two();
    const { tx, done } = other.mutate(edit, { id: 'a', patch: { title: 'Mine' } });
    await vi.waitFor(() => expect(sent).toHaveLength(1));
    ended.abort();
    leading.close();
    respond = () => Promise.resolve({});
    lead(other);
    await done;
    expect(sent.at(-1)!.tx).toBe(tx);
  });
});

describe('undo', () => {
  test('takes back the last mutation by its inverse, and redo brings it again', async () => {
    const engine = tab(new MemoryQueue());
    lead(engine);
    engine.mutate(edit, { id: 'a', patch: { title: 'One' } });
    engine.mutate(edit, { id: 'a', patch: { title: 'Two' } });
    expect(engine.undo()).toBe(true);
    expect(title(engine)).toBe('One');
    expect(engine.undo()).toBe(true);
    expect(title(engine)).toBe('A');
    expect(engine.undo()).toBe(false);
    expect(engine.redo()).toBe(true);
    expect(title(engine)).toBe('One');
    await vi.waitFor(() => expect(sent).toHaveLength(5));
    engine.mutate(edit, { id: 'a', patch: { title: 'Three' } });
    expect(engine.redo()).toBe(false);
  });

  test('knows nothing of what was refused', async () => {
    respond = () => Promise.reject(new Problem({ status: 422 }));
    const engine = tab(new MemoryQueue());
    lead(engine);
    await expect(engine.mutate(edit, { id: 'a', patch: { title: 'One' } }).done).rejects.toThrow();
    expect(engine.undo()).toBe(false);
  });
});
