import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Problem } from '../api';
import { gate } from '../testing';
import { card, cards, create, entry, remove, SCOPE, snapshot, update, type Card } from './fixture';
import { Follower, type Begun, type Page, type Remote } from './follow';
import { Replica } from './replica';
import type { Change, Entry, Snapshot } from './types';

/** A server whose snapshots come two rows at a time, in the order of their ids, each page in the state of its moment. */
class Server implements Remote {
  epoch = 'e1';
  readonly rows = new Map<string, Card>();
  readonly log: Entry[] = [];
  readonly asked: string[] = [];
  trouble: unknown[] = [];
  /** What happens after each page was read. */
  meanwhile: (() => void)[] = [];
  hold: Promise<void> | null = null;

  put(row: Card): Entry {
    const before = this.rows.get(row.id);
    const after = { ...row, version: (before?.version ?? 0) + 1 };
    this.rows.set(row.id, after);
    return this.#write(before ? update(row.id, { ...after }) : create(after));
  }

  remove(id: string): Entry {
    this.rows.delete(id);
    return this.#write(remove(id));
  }

  snapshot(): Promise<Snapshot> {
    return this.#page('first', '', this.log.length);
  }

  more(_scope: string, { epoch, seq, next }: Begun): Promise<Snapshot> {
    if (epoch !== this.epoch) return Promise.reject(new Problem({ status: 409 }));
    return this.#page(next, next, seq);
  }

  async delta(scope: string, since: number): Promise<Page> {
    this.asked.push(`delta ${since}`);
    await Promise.resolve();
    return { scope, epoch: this.epoch, entries: this.log.slice(since), more: false };
  }

  async #page(name: string, after: string, since: number): Promise<Snapshot> {
    this.asked.push(name);
    await this.hold;
    const trouble = this.trouble.shift();
    if (trouble) throw trouble as Error;
    const ids = [...this.rows.keys()].sort().filter((id) => id > after);
    const changed = this.log.slice(since).flatMap(({ changes }) => changes.map(({ id }) => id));
    const among = after === 'changed' ? changed.filter((id) => this.rows.has(id)) : ids.slice(0, 2);
    const made = snapshot(
      among.map((id) => this.rows.get(id)!),
      this.log.length,
      SCOPE,
      this.epoch,
    );
    if (after !== 'changed') made.next = ids.length > 2 ? among[1]! : 'changed';
    this.meanwhile.shift()?.();
    return made;
  }

  #write(change: Change): Entry {
    const made = entry(this.log.length + 1, [change]);
    this.log.push(made);
    return made;
  }
}

let server: Server;
let replica: Replica;
let follower: Follower;
const held = () => Object.fromEntries((replica.scope(SCOPE)?.all(cards) ?? []).map((row) => [row.id, row.title]));
const there = () => Object.fromEntries([...server.rows.values()].map((row) => [row.id, row.title]));

beforeEach(() => {
  server = new Server();
  replica = new Replica([cards as never], []);
  follower = new Follower(replica, server);
  for (const id of ['b', 'c', 'd', 'e', 'f']) server.put(card(id));
});
afterEach(() => {
  follower.close();
  vi.useRealTimers();
});

test('pages show as they come, and the scope is filled when the last one is here', async () => {
  const kept = vi.fn();
  follower.keeper = { snapshot: kept, append: vi.fn(), purge: vi.fn() };
  const shown: number[] = [];
  server.meanwhile = Array.from({ length: 4 }, () => () => shown.push(replica.scope(SCOPE)?.all(cards).length ?? 0));
  await follower.want(SCOPE);
  expect(shown).toEqual([0, 2, 4, 5]);
  expect(held()).toEqual(there());
  expect(replica.scope(SCOPE)).toMatchObject({ filled: true, seq: 5, epoch: 'e1' });
  expect(replica.scope(SCOPE)!.group(cards, 'column', 'open')).toEqual(['b', 'c', 'd', 'e', 'f']);
  expect(kept).toHaveBeenCalledExactlyOnceWith(SCOPE);
  expect(server.asked).toEqual(['first', 'c', 'e', 'changed']);
});

test('what happens while the pages are read is not lost, whether the stream tells of it or the log', async () => {
  server.meanwhile = [
    () => follower.change(server.put(card('a', { title: 'new' }))),
    () => server.put(card('b', { title: 'changed behind' })),
    () => follower.change(server.put(card('f', { title: 'changed ahead' }))),
    () => follower.change(server.remove('c')),
  ];
  await follower.want(SCOPE);
  await vi.waitFor(() => expect(held()).toEqual(there()));
  expect(replica.scope(SCOPE)).toMatchObject({ seq: server.log.length });
});

test('pages go on where they were broken off', async () => {
  vi.useFakeTimers();
  server.trouble = [null, new TypeError('offline'), null, new Problem({ status: 503 })];
  const filled = follower.want(SCOPE);
  await vi.advanceTimersByTimeAsync(10_000);
  await filled;
  expect(held()).toEqual(there());
  expect(server.asked).toEqual(['first', 'c', 'c', 'e', 'e', 'changed']);
});

test.each([
  ['the log begins another epoch', () => (server.epoch = 'e2')],
  ['the place is no longer one', () => (server.trouble = [new Problem({ status: 422 })])],
])('they begin anew when %s', async (_, happen) => {
  server.meanwhile = [happen];
  await follower.want(SCOPE);
  expect(held()).toEqual(there());
  expect(server.asked.filter((name) => name === 'first')).toHaveLength(2);
});

test('losing the scope in the middle ends them', async () => {
  const hold = gate();
  server.meanwhile = [() => (server.hold = hold.wait)];
  const wanted = follower.want(SCOPE);
  await vi.waitFor(() => expect(server.asked).toHaveLength(2));
  follower.purge(SCOPE);
  hold.open();
  await wanted;
  await vi.waitFor(() => expect(replica.scope(SCOPE)).toBeUndefined());
  expect(server.asked).toEqual(['first', 'c']);
});
