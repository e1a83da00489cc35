import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Replica } from '../sync';
import { card, cards, create, entry, pending, remove, SCOPE, snapshot, update, type Card } from '../sync/fixture';
import { emptyBrowser, gate } from '../testing';
import { schemaOf, StoredCache } from './cache';
import { CacheKeeper } from './keeper';
import { StoredQueue } from './queue';

const open: { close(): void }[] = [];
async function cache(schema = 's1', user = 'ada'): Promise<StoredCache> {
  const opened = await StoredCache.open(user, schema);
  open.push(opened);
  return opened;
}

/** What a new start would show. */
async function restored(schema?: string): Promise<Replica> {
  const replica = new Replica([cards as never], []);
  for (const { snapshot: kept, entries } of await (await cache(schema)).load()) {
    replica.load(kept);
    expect(replica.apply(kept.scope, entries)).toBe(true);
  }
  return replica;
}

const rows = (replica: Replica) =>
  new Map([...(replica.scope(SCOPE)?.all(cards) ?? [])].map((row: Card) => [row.id, row.title]));

function close(): void {
  for (const one of open.splice(0)) one.close();
}
beforeEach(emptyBrowser);
afterEach(close);

describe('the cache', () => {
  test('brings back a snapshot of many chunks and the entries since', async () => {
    const first = await cache();
    const many = Array.from({ length: 1_700 }, (_, i) => card(`id${i}`));
    await first.store(snapshot(many));
    await first.append([entry(11, [update('id3', { title: 'X', version: 2 })]), entry(12, [remove('id4')])]);
    const replica = await restored();
    expect(replica.scope(SCOPE)).toMatchObject({ seq: 12, epoch: 'e1' });
    expect(rows(replica).size).toBe(1_699);
    expect(rows(replica).get('id3')).toBe('X');
  });

  test('of another schema, or another user, is empty', async () => {
    await (await cache('s1')).store(snapshot([card('a')]));
    expect(await (await cache('s1', 'bob')).load()).toEqual([]);
    expect(await (await cache('s2')).load()).toEqual([]);
    expect(await (await cache('s1')).load()).toEqual([]);
  });

  test('drops one scope and keeps the others', async () => {
    const first = await cache();
    await first.store(snapshot([card('a')]));
    await first.store(snapshot([card('b')], 3, 'project:2'));
    await first.append([entry(11, [])]);
    await first.drop(SCOPE);
    const kept = await (await cache()).load();
    expect(kept.map(({ snapshot: { scope }, entries }) => [scope, entries.length])).toEqual([['project:2', 0]]);
  });

  test('knows how far it is, whoever wrote', async () => {
    const first = await cache();
    const second = await cache();
    await first.store(snapshot([card('a')]));
    await first.append([entry(11, []), entry(12, [])]);
    expect(await second.takeOver()).toEqual(new Map([[SCOPE, { epoch: 'e1', seq: 12 }]]));
    expect(await (await cache('s2')).takeOver()).toEqual(new Map()); // the tab of another version of the page
    expect(await second.load()).toEqual([]);
  });
});

describe('folding', () => {
  async function kept(count: number): Promise<{ store: StoredCache; replica: Replica; keeper: CacheKeeper }> {
    const store = await cache();
    const replica = new Replica([cards as never], []);
    const whole = snapshot(Array.from({ length: count }, (_, i) => card(`id${i}`)));
    await store.store(whole);
    replica.load(whole);
    return { store, replica, keeper: new CacheKeeper(Promise.resolve(store), replica) };
  }

  test('writes the changed rows into their chunks and forgets the log', async () => {
    const { store, replica, keeper } = await kept(1_200);
    const entries = [
      entry(11, [update('id7', { title: 'X', version: 2 })]),
      entry(12, [create(card('new')), remove('id8')]),
    ];
    replica.apply(SCOPE, entries);
    keeper.append(entries);
    await keeper.flush();
    expect(store.behind(SCOPE)).toBe(3);
    await keeper.fold(1);
    expect(store.behind(SCOPE)).toBe(0);
    const [again] = await (await cache()).load();
    expect(again!.entries).toEqual([]);
    expect(again!.snapshot.seq).toBe(12);
    const back = rows(await restored());
    expect(back.size).toBe(1_200);
    expect(back.get('id7')).toBe('X');
    expect(back.has('new') && !back.has('id8')).toBe(true);
  });

  test('divides anew when a scope has outgrown its chunks', async () => {
    const { replica, keeper } = await kept(2);
    const added = Array.from({ length: 1_500 }, (_, i) => create(card(`n${i}`)));
    replica.apply(SCOPE, [entry(11, added)]);
    keeper.append([entry(11, added)]);
    await keeper.fold();
    expect(rows(await restored()).size).toBe(1_502);
  });

  test('leaves what happens before its turn to the log', async () => {
    const { replica, keeper } = await kept(1_200);
    const changes = Array.from({ length: 9 }, (_, i) => entry(11 + i, [update(`id${i}`, { title: 'X', version: 2 })]));
    const happens = (one: (typeof changes)[number]) => {
      replica.apply(SCOPE, [one]);
      keeper.append([one]);
    };
    happens(changes[0]!);
    const folded = keeper.fold(1);
    changes.slice(1).forEach(happens); // the page knows them before the fold begins, the log only after
    await folded;
    await keeper.flush();
    expect(rows(await restored())).toEqual(rows(replica));
  });

  test('of nothing new writes nothing', async () => {
    const { replica, keeper } = await kept(2);
    replica.apply(SCOPE, [entry(11, [])]);
    await keeper.fold();
    const [again] = await (await cache()).load();
    expect(again!.snapshot.seq).toBe(10);
  });
});

describe('a tab that begins to keep', () => {
  test('writes what it knows better, and drops what it no longer has', async () => {
    const store = await cache();
    await store.store(snapshot([card('a')], 5));
    await store.store(snapshot([card('z')], 1, 'project:gone'));
    const replica = new Replica([cards as never], []);
    replica.load(snapshot([card('a', { title: 'newer' })], 9));
    const keeper = new CacheKeeper(Promise.resolve(store), replica);
    await keeper.adopt();
    await keeper.flush();
    expect(await store.takeOver()).toEqual(new Map([[SCOPE, { epoch: 'e1', seq: 9 }]]));
    expect(rows(await restored()).get('a')).toBe('newer');
  });

  test('folds what the tab before it has left in the log, into the chunks as that one has divided them', async () => {
    const [before, store] = [await cache(), await cache()];
    const whole = Array.from({ length: 900 }, (_, i) => card(`id${i}`));
    await before.store(snapshot(whole.slice(0, 400)));
    await store.load();
    await before.store(snapshot(whole)); // in two chunks, where there was one
    const replica = new Replica([cards as never], []);
    replica.load(snapshot(whole));
    const changes = Array.from({ length: 9 }, (_, i) => entry(11 + i, [update(`id${i}`, { title: 'X', version: 2 })]));
    replica.apply(SCOPE, changes);
    await before.append(changes.slice(0, 8));
    const keeper = new CacheKeeper(Promise.resolve(store), replica);
    keeper.append(changes.slice(8));
    await keeper.flush();
    await keeper.adopt();
    await keeper.fold(1);
    const [again] = await (await cache()).load();
    expect(again!.entries).toEqual([]);
    expect(rows(await restored())).toEqual(rows(replica));
  });

  test('goes on without keeping when the database is gone', async () => {
    const store = await cache();
    const keeper = new CacheKeeper(Promise.resolve(store), new Replica([cards as never], []));
    store.close();
    keeper.append([entry(1, [])]);
    await expect(keeper.flush()).resolves.toBeUndefined();
    keeper.snapshot(SCOPE);
    await expect(keeper.flush()).resolves.toBeUndefined();
  });

  test('writes a scope that was loaded once, with what happened to it until then', async () => {
    const store = await cache();
    const ready = gate<StoredCache>();
    const replica = new Replica([cards as never], []);
    const keeper = new CacheKeeper(ready.wait, replica);
    const adopted = keeper.adopt();
    replica.load(snapshot([card('a')]));
    keeper.snapshot(SCOPE);
    replica.apply(SCOPE, [entry(11, [create(card('b'))])]);
    keeper.append([entry(11, [create(card('b'))])]);
    const stored = vi.spyOn(store, 'store');
    const appended = vi.spyOn(store, 'append');
    ready.open(store);
    await adopted;
    await keeper.flush();
    expect([stored.mock.calls.length, appended.mock.calls.length]).toEqual([1, 0]);
    replica.apply(SCOPE, [entry(12, [create(card('c'))])]);
    keeper.append([entry(12, [create(card('c'))])]);
    await keeper.flush();
    expect([...rows(await restored()).keys()].sort()).toEqual(['a', 'b', 'c']);
  });

  test('does not write a scope that was lost before', async () => {
    const store = await cache();
    const replica = new Replica([cards as never], []);
    const keeper = new CacheKeeper(Promise.resolve(store), replica);
    replica.load(snapshot([card('a')]));
    keeper.snapshot(SCOPE);
    replica.purge(SCOPE);
    keeper.purge(SCOPE);
    await keeper.flush();
    expect(await store.takeOver()).toEqual(new Map());
  });

  test('keeps nothing where nothing can be kept', async () => {
    const keeper = new CacheKeeper(Promise.resolve(null), new Replica([cards as never], []));
    keeper.snapshot(SCOPE);
    await expect(keeper.flush()).resolves.toBeUndefined();
  });
});

describe('the queue', () => {
  async function queue(user = 'ada'): Promise<StoredQueue> {
    const opened = await StoredQueue.open(user);
    open.push(opened);
    return opened;
  }

  test('keeps the order over tabs and rewriting', async () => {
    const [here, there] = [await queue(), await queue()];
    await here.put(pending('t1', 'card.edit', { id: 'a' }));
    await there.put(pending('t2', 'card.edit', { id: 'b' }));
    await here.put(pending('t3', 'card.edit', { id: 'c' }));
    await there.put(pending('t1', 'card.edit', { id: 'real' }));
    expect((await here.load()).map(({ tx, args }) => [tx, args])).toEqual([
      ['t1', { id: 'real' }],
      ['t2', { id: 'b' }],
      ['t3', { id: 'c' }],
    ]);
    await there.remove('t2');
    await there.remove('unknown');
    expect((await here.load()).map(({ tx }) => tx)).toEqual(['t1', 't3']);
  });

  test('outlives a change of the schema, keeps what was refused, and goes when it is deleted', async () => {
    const first = await queue();
    await first.put(pending('t1', 'card.edit', {}));
    await first.refuse({ pending: pending('t0', 'card.edit', {}), status: 422, message: 'No.', text: 'My words' });
    await cache('another');
    close();
    const second = await queue();
    expect(await second.load()).toHaveLength(1);
    expect(await second.refusals()).toMatchObject([{ text: 'My words' }]);
    await second.settle('t0');
    expect(await second.refusals()).toEqual([]);
    expect(await (await queue('bob')).load()).toEqual([]);
    await StoredQueue.delete('ada');
    expect(await (await queue()).load()).toEqual([]);
  });
});

test('the schema changes with the form of the rows, not with their order', () => {
  const one = { name: 'a', schema: 1 };
  const two = { name: 'b', schema: 1 };
  expect(schemaOf([one, two])).toBe(schemaOf([two, one]));
  expect(schemaOf([one, { ...two, schema: 2 }])).not.toBe(schemaOf([one, two]));
  expect(schemaOf([{ ...one, detail: ['text'] }])).not.toBe(schemaOf([one]));
});
