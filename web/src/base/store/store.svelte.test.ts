import { flushSync } from 'svelte';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MemoryQueue } from '../persist';
import { Engine } from '../sync';
import { card, cards, create, entry, mutations, SCOPE, snapshot, update } from '../sync/fixture';
import { silent } from '../testing';
import { Store } from './store';

const { edit } = mutations({ send: () => new Promise(() => undefined) });
let engine: Engine;
let store: Store;
let stop: () => void;

beforeEach(() => {
  engine = new Engine({
    api: {} as never,
    remote: silent,
    queue: new MemoryQueue(),
    actor: 'ada',
    entities: [cards as never],
    mutations: [edit as never],
    tell: () => undefined,
    onRefused: () => undefined,
  });
  engine.replica.load(snapshot([card('a'), card('b', { column: 'done' })]));
  store = new Store(engine);
});
afterEach(() => {
  stop();
  engine.close();
});

/** Runs the read in an effect and returns what it saw, time after time. */
function watch<T>(read: () => T): T[] {
  const seen: T[] = [];
  stop = $effect.root(() => {
    const value = $derived(read());
    $effect(() => {
      seen.push(value);
    });
  });
  flushSync();
  return seen;
}

describe('what is read in $derived', () => {
  test('a row is read anew when it changes, by the log or by the user', () => {
    const seen = watch(() => store.table(cards, SCOPE).get('a')?.title);
    engine.replica.apply(SCOPE, [entry(11, [update('a', { title: 'X', version: 2 })])]);
    flushSync();
    store.mutate(edit, { id: 'a', patch: { title: 'Mine' } });
    flushSync();
    expect(seen).toEqual(['A', 'X', 'Mine']);
  });

  test('a row is not read out anew when another one changes', () => {
    const seen = watch(() => store.table(cards, SCOPE).get('a'));
    engine.replica.apply(SCOPE, [entry(11, [update('b', { title: 'X', version: 2 })])]);
    flushSync();
    expect(seen).toHaveLength(1);
  });

  test('a group is told of its own changes only', () => {
    let reads = 0;
    const seen = watch(() => (reads++, store.table(cards, SCOPE).group('column', 'open')));
    engine.replica.apply(SCOPE, [entry(11, [update('b', { rank: 'z', version: 2 })])]);
    flushSync();
    expect(reads).toBe(1);
    engine.replica.apply(SCOPE, [entry(12, [create(card('c'))])]);
    flushSync();
    expect(seen).toEqual([['a'], ['a', 'c']]);
  });

  test('the rows of a group are read in order, with every change', () => {
    const seen = watch(() =>
      store
        .table(cards, SCOPE)
        .rows('column', 'open')
        .map(({ title }) => title),
    );
    engine.replica.apply(SCOPE, [entry(11, [create(card('c', { rank: '0' }))])]);
    flushSync();
    engine.replica.apply(SCOPE, [entry(12, [update('a', { title: 'X', version: 2 })])]);
    flushSync();
    expect(seen).toEqual([['A'], ['C', 'A'], ['C', 'X']]);
    expect(
      store
        .table(cards)
        .rows('column', 'done')
        .map(({ id }) => id),
    ).toEqual(['b']);
    expect(store.table(cards, 'project:9').rows('column', 'open')).toEqual([]);
  });

  test('a table over all scopes, readiness and pending mutations follow too', () => {
    const all = watch(() => store.table(cards).all().length);
    engine.replica.load(snapshot([card('x')], 1, 'project:2'));
    flushSync();
    stop();
    const ready = watch(() => store.ready('project:3'));
    engine.replica.load(snapshot([], 1, 'project:3'));
    flushSync();
    stop();
    const pending = watch(() => store.pending().length);
    store.mutate(edit, { id: 'a', patch: { title: 'Mine' } });
    flushSync();
    expect([all, ready, pending]).toEqual([
      [2, 3],
      [false, true],
      [0, 1],
    ]);
  });

  test('a scope that comes later is heard of', () => {
    const seen = watch(() => store.table(cards, 'project:9').get('x')?.title);
    engine.replica.load(snapshot([card('x')], 1, 'project:9'));
    flushSync();
    engine.replica.purge('project:9');
    flushSync();
    expect(seen).toEqual([undefined, 'X', undefined]);
  });

  test('details are heard of', () => {
    const seen = watch(() => store.detail(cards as never, 'a')?.text);
    store.setDetail(cards as never, 'a', { text: 'long' });
    flushSync();
    expect(seen).toEqual([undefined, 'long']);
  });
});

test('outside of components everything can be read as well', () => {
  stop = () => undefined;
  expect(store.table(cards, SCOPE).get('a')?.title).toBe('A');
  expect(store.table(cards, SCOPE).group('column', 'done')).toEqual(['b']);
});
