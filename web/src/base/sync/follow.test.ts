import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Problem } from '../api';
import { gate } from '../testing';
import { card, cards, create, entry, SCOPE, snapshot, update } from './fixture';
import { Follower, type Page, type Remote } from './follow';
import { key, Replica } from './replica';
import type { Entry, Snapshot } from './types';

/** A server with one log per scope. */
class Server implements Remote {
  epoch = 'e1';
  readonly logs = new Map<string, Entry[]>();
  readonly asked: string[] = [];
  pageSize = 2;
  trouble: unknown[] = [];
  hold: Promise<void> | null = null;
  beginning: Snapshot | null = null;

  write(title: string, scope = SCOPE): Entry {
    const log = this.logs.get(scope) ?? [];
    const changes =
      log.length === 0 ? [create(card('a', { title }))] : [update('a', { title, version: log.length + 1 })];
    const made = entry(log.length + 1, changes, { scope });
    this.logs.set(scope, [...log, made]);
    return made;
  }

  heads() {
    return { epoch: this.epoch, scopes: Object.fromEntries([...this.logs].map(([scope, log]) => [scope, log.length])) };
  }

  async snapshot(scope: string, begun: (beginning: Snapshot) => void): Promise<Snapshot> {
    this.asked.push(`snapshot ${scope}`);
    await this.#answer();
    const log = this.logs.get(scope);
    if (!log) throw new Problem({ status: 404 });
    const title = log.at(-1)!.changes[0]!.patch.title as string;
    const made = snapshot([card('a', { title, version: log.length })], log.length, scope, this.epoch);
    if (this.beginning) begun(this.beginning);
    await this.hold;
    return made;
  }

  more(): Promise<Snapshot> {
    throw new Error('all is in one answer');
  }

  async delta(scope: string, since: number, epoch: string): Promise<Page> {
    this.asked.push(`delta ${scope} ${since}`);
    await this.#answer();
    const log = this.logs.get(scope);
    if (!log) throw new Problem({ status: 404 });
    if (epoch !== this.epoch || since > log.length) throw new Problem({ status: 409 });
    const entries = log.slice(since, since + this.pageSize);
    await this.hold;
    return { scope, epoch: this.epoch, entries, more: since + this.pageSize < log.length };
  }

  async #answer(): Promise<void> {
    const trouble = this.trouble.shift();
    await Promise.resolve();
    if (trouble) throw trouble as Error;
  }
}

let server: Server;
let replica: Replica;
let follower: Follower;
const title = (scope = SCOPE) => replica.scope(scope)?.get(cards, 'a')?.title;
const hear = (whole = true) => follower.hear(server.heads(), whole);

beforeEach(() => {
  server = new Server();
  replica = new Replica([cards as never], []);
  follower = new Follower(replica, server);
});
afterEach(() => {
  follower.close();
  vi.useRealTimers();
});

test('unknown scopes come as snapshots, known ones by pages of deltas, current ones are left alone', async () => {
  for (let i = 1; i <= 5; i++) server.write(`v${i}`);
  hear();
  await follower.want(SCOPE);
  expect(title()).toBe('v5');
  for (let i = 6; i <= 10; i++) server.write(`v${i}`);
  hear();
  await vi.waitFor(() => expect(title()).toBe('v10'));
  hear();
  expect(server.asked).toEqual([`snapshot ${SCOPE}`, `delta ${SCOPE} 5`, `delta ${SCOPE} 7`, `delta ${SCOPE} 9`]);
});

test('entries apply as they come; a gap is filled by a delta', async () => {
  server.write('v1');
  hear();
  await follower.want(SCOPE);
  follower.change(server.write('v2'));
  expect(title()).toBe('v2');
  server.write('v3');
  follower.change(server.write('v4'));
  await vi.waitFor(() => expect(title()).toBe('v4'));
  expect(server.asked).toEqual([`snapshot ${SCOPE}`, `delta ${SCOPE} 2`]);
});

test('entries that come while a snapshot is on its way are not lost', async () => {
  server.write('v1');
  const hold = gate();
  server.hold = hold.wait;
  hear();
  await vi.waitFor(() => expect(server.asked).toHaveLength(1));
  follower.change(server.write('v2'));
  follower.change(server.write('v3'));
  hold.open();
  await vi.waitFor(() => expect(title()).toBe('v3'));
  expect(server.asked).toEqual([`snapshot ${SCOPE}`]);
});

test.each([
  ['another epoch', () => (server.epoch = 'e2')],
  ['a log that is shorter than ours', () => (server.logs.get(SCOPE)!.length = 1)],
])('%s begins the scope anew', async (_, happen) => {
  server.write('v1');
  server.write('v2');
  hear();
  await follower.want(SCOPE);
  happen();
  server.logs.get(SCOPE)![0] = entry(1, [create(card('a', { title: 'restored' }))]);
  server.logs.get(SCOPE)!.length = 1;
  server.asked.length = 0;
  if (server.epoch === 'e2') hear();
  else follower.change(entry(9, []));
  await vi.waitFor(() => expect(title()).toBe('restored'));
  expect(server.asked.at(-1)).toBe(`snapshot ${SCOPE}`);
  expect(replica.scope(SCOPE)).toMatchObject({ seq: 1, epoch: server.epoch });
});

describe('lost access', () => {
  test.each([
    ['by a purge', () => follower.purge(SCOPE)],
    ['by heads without the scope', () => follower.hear({ epoch: 'e1', scopes: {} }, true)],
    [
      'by a 404',
      () => {
        server.logs.delete(SCOPE);
        follower.change(entry(99, []));
      },
    ],
  ])('%s deletes what was held', async (_, lose) => {
    server.write('v1');
    hear();
    await follower.want(SCOPE);
    const purge = vi.fn();
    follower.keeper = { purge, append: vi.fn(), snapshot: vi.fn() };
    lose();
    await vi.waitFor(() => expect(replica.scope(SCOPE)).toBeUndefined());
    expect(purge).toHaveBeenCalledWith(SCOPE);
  });

  test('by a purge while its snapshot is on its way, it stays lost; gained again, it comes again', async () => {
    const hold = gate();
    server.hold = hold.wait;
    server.write('Secret');
    hear();
    await vi.waitFor(() => expect(server.asked).toHaveLength(1));
    follower.purge(SCOPE);
    const kept = vi.fn();
    follower.keeper = { purge: vi.fn(), append: vi.fn(), snapshot: kept };
    hold.open();
    await new Promise((later) => setTimeout(later));
    expect([replica.scope(SCOPE), kept.mock.calls.length]).toEqual([undefined, 0]);
    hear(false);
    await vi.waitFor(() => expect(title()).toBe('Secret'));
  });

  test('heads of gained scopes alone delete nothing', async () => {
    server.write('v1');
    hear();
    await follower.want(SCOPE);
    server.write('w1', 'project:2');
    follower.hear({ epoch: 'e1', scopes: { 'project:2': 1 } }, false);
    await follower.want('project:2');
    expect(title()).toBe('v1');
    expect(title('project:2')).toBe('w1');
  });

  test('wanting a scope that is not ours ends', async () => {
    await expect(follower.want('project:none')).resolves.toBeUndefined();
    expect(replica.scope('project:none')).toBeUndefined();
  });
});

test('trouble on the way is tried again', async () => {
  vi.useFakeTimers();
  server.write('v1');
  server.trouble = [new TypeError('offline'), new Problem({ status: 503 })];
  hear();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(title()).toBe('v1');
  expect(server.asked).toHaveLength(3);
});

test('a wanted scope goes before the others', async () => {
  const hold = gate();
  server.hold = hold.wait;
  for (let i = 0; i < 10; i++) server.write('x', `project:${i}`);
  hear();
  const wanted = follower.want('project:9');
  hold.open();
  await wanted;
  expect(server.asked.indexOf('snapshot project:9')).toBe(4);
});

test('what is followed is kept, each entry once', async () => {
  const snapshots: number[] = [];
  const entries: number[] = [];
  follower.keeper = {
    snapshot: (scope) => snapshots.push(replica.scope(scope)!.seq),
    append: (added) => entries.push(...added.map(({ seq }) => seq)),
    purge: () => undefined,
  };
  server.write('v1');
  hear();
  await follower.want(SCOPE);
  const two = server.write('v2');
  follower.change(two);
  follower.change(two);
  server.write('v3');
  follower.change(server.write('v4'));
  await vi.waitFor(() => expect(title()).toBe('v4'));
  expect(snapshots).toEqual([1]);
  expect(entries).toEqual([2, 3, 4]);
});

describe('the beginning of a large snapshot', () => {
  const first = () => snapshot([card('early')], 1);

  test('shows before the scope is filled', async () => {
    server.write('v1');
    server.beginning = first();
    const rest = gate();
    server.hold = rest.wait;
    const wanted = follower.want(SCOPE);
    await vi.waitFor(() => expect(replica.scope(SCOPE)?.get(cards, 'early')).toBeDefined());
    expect(replica.scope(SCOPE)?.filled).toBe(false);
    rest.open();
    await wanted;
    expect(replica.scope(SCOPE)?.filled).toBe(true);
    expect(replica.scope(SCOPE)?.get(cards, 'early')).toBeUndefined();
  });

  test('never takes the place of rows that are all there', async () => {
    server.write('v1');
    hear();
    await follower.want(SCOPE);
    server.beginning = first();
    server.epoch = 'e2';
    const seen: unknown[] = [];
    replica.signals.on(key.table(SCOPE, 'card'), () => seen.push(replica.scope(SCOPE)?.get(cards, 'early')));
    hear();
    await vi.waitFor(() => expect(replica.scope(SCOPE)?.epoch).toBe('e2'));
    expect(seen).toEqual([undefined]);
  });
});
