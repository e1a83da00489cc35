import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { people } from '../../account';
import { createApi, Session, Vault } from '../../base/api';
import { MemoryQueue } from '../../base/persist';
import type { Workspace } from '../../base/state';
import { Store } from '../../base/store';
import { Engine } from '../../base/sync';
import { emptyBrowser, json, offline, problem, serve, silent, type Asked, type Handler } from '../../base/testing';
import { createIssue, deleteIssue, issues, moveIssue, updateIssue, type Issue } from '../issue';
import { members, memberships, projects, scopeOf, statuses } from '../project';
import { OpenedProject } from '../project/parts';
import { Board } from './board.svelte';

const P = 'p-1';
const SCOPE = scopeOf(P);
const me = { id: 'ada', email: 'ada@example.org', displayName: 'Ada', role: 'user' } as const;

function issue(number: number, fields: Partial<Issue> = {}): Issue {
  return {
    ...{ id: `i${number}`, key: `MESOS-${number}`, number, title: `Issue ${number}`, statusId: 'open' },
    ...{ priority: 'medium', assigneeId: null, effort: null, parentId: null, dueOn: null, rank: `a${number}` },
    ...{ authorId: 'ada', createdAt: '2026-01-01T00:00:00Z', updatedAt: '2026-01-01T00:00:00Z', version: 1 },
    ...fields,
  };
}

/** What a snapshot of the project holds beside the issues. */
function held() {
  const status = (id: string, category: string, rank: string) => ({ id, name: id, category, color: 'gray', rank });
  return {
    project: [{ id: P, key: 'MESOS', name: 'Apache Mesos', description: '', version: 1 }] as never,
    status: [status('done', 'done', 'b'), status('open', 'open', 'a')] as never,
  };
}

let engine: Engine;
let session: Session;
let store: Store;
let board: Board;
let asked: Asked[];

function open(role: 'owner' | 'viewer' = 'owner'): void {
  const entities = [projects, statuses, members, memberships, issues, people] as never;
  const mutations = [createIssue, updateIssue, deleteIssue, moveIssue] as never;
  session = new Session(new Vault());
  engine = new Engine({
    ...{ api: createApi(session), queue: new MemoryQueue(), actor: me.id, entities, mutations },
    remote: silent,
    tell: () => undefined,
    onRefused: () => undefined,
  });
  const rows = [1, 2, 3].map((n) => issue(n)).concat(issue(4, { statusId: 'done', parentId: 'i1', effort: 0.1 }));
  engine.replica.load({ scope: `user:ada`, epoch: 'e', seq: 1, entities: { membership: [{ id: P, role }] as never } });
  engine.replica.load({
    ...{ scope: SCOPE, epoch: 'e', seq: 1 },
    entities: { ...held(), issue: rows },
  });
  store = new Store(engine);
  const opened = new OpenedProject({ me, store } as unknown as Workspace, () => 'MESOS');
  board = new Board(store, opened);
  engine.outbox.lead(new AbortController().signal);
}

/** Answers as the server does; its ranks are its own. */
const server: Handler = ({ method, path, body }) => {
  if (method === 'DELETE') return new Response(null, { status: 204 });
  const number = Number(/\d+$/u.exec(path.replace('/move', ''))?.[0] ?? 9);
  const given = Object.entries((body ?? {}) as Record<string, unknown>);
  const fields = Object.fromEntries(given.filter(([name]) => name !== 'after' && name !== 'before'));
  const now = store.table(issues, SCOPE).get(`i${number}`) ?? issue(number, { id: 'real' });
  return json(
    { ...now, ...fields, version: 2, description: '' },
    method === 'POST' && !path.endsWith('/move') ? 201 : 200,
  );
};

beforeEach(async () => {
  await emptyBrowser();
  asked = serve(server);
  open();
});
afterEach(() => {
  engine.close();
  session.close();
  vi.unstubAllGlobals();
});

const move = (id: string, statusId: string, after: string | null, before: string | null) =>
  store.mutate(moveIssue, { project: P, id, statusId, after, before });
const sent = () => vi.waitFor(() => expect(store.pending()).toEqual([]));

describe('a move', () => {
  test.each([
    ['below another one', 'i1', 'open', 'i2', 'i3', ['i2', 'i1', 'i3']],
    ['above the first one', 'i3', 'open', null, 'i1', ['i3', 'i1', 'i2']],
    ['to the end', 'i1', 'open', 'i3', null, ['i2', 'i3', 'i1']],
    ['to nowhere in particular, which is the top', 'i3', 'open', null, null, ['i3', 'i1', 'i2']],
    ['beside a neighbour that has left the column', 'i3', 'open', 'i4', 'i2', ['i1', 'i3', 'i2']],
    ['into another column', 'i1', 'done', 'i4', null, ['i4', 'i1']],
    ['beside itself', 'i2', 'open', 'i2', 'i3', ['i1', 'i2', 'i3']],
  ] as const)(
    '%s shows at once and names its neighbours to the server',
    async (_, id, column, after, before, order) => {
      move(id, column, after, before);
      expect(board.ids(column)).toEqual(order);
      await sent();
      expect(asked[0]).toMatchObject({ method: 'POST', path: `/api/issues/MESOS-${id[1]}/move` });
      expect(asked[0]!.body).toEqual({ statusId: column, ...(after && { after }), ...(before && { before }) });
    },
  );

  test('is taken back to its place by undo', async () => {
    move('i2', 'done', null, null);
    expect(board.ids('open')).toEqual(['i1', 'i3']);
    store.undo();
    expect(board.ids('open')).toEqual(['i1', 'i2', 'i3']);
    await sent();
    expect(asked[1]!.body).toEqual({ statusId: 'open', after: 'i1', before: 'i3' });
  });

  test('that is refused goes back', async () => {
    serve(() => problem(403));
    await expect(move('i1', 'done', null, null).done).rejects.toMatchObject({ status: 403 });
    expect(board.ids('open')).toEqual(['i1', 'i2', 'i3']);
  });
});

describe('a move that makes room', () => {
  // As the server spreads out the two around a gap that is full.
  const full = { i1: 'a0', i2: `a1${'V'.repeat(37)}1`, i3: `a1${'V'.repeat(37)}2` };
  const spread = { i2: 'a1', i9: 'a2', i3: 'a3' };
  const changes = [
    { id: 'i9', patch: { rank: spread.i9, version: 2, updatedAt: '2026-01-02T00:00:00Z' } },
    { id: 'i2', patch: { rank: spread.i2, version: 2 } },
    { id: 'i3', patch: { rank: spread.i3, version: 2 } },
  ].map((change) => ({ ...change, entity: 'issue', op: 'update' as const }));
  const entry = (tx: string) => ({ scope: SCOPE, seq: 2, tx, at: '2026-01-02T00:00:00Z', actor: 'ada', changes });
  const ranks = () => board.ids('open').map((id) => [id, board.issue(id)!.rank]);
  const after = [['i1', 'a0'], ...Object.entries(spread)];

  beforeEach(() => {
    const rows = [1, 2, 3, 9].map((n) => issue(n, { rank: full[`i${n}` as 'i1'] ?? 'a8' }));
    engine.replica.load({
      ...{ scope: SCOPE, epoch: 'e', seq: 1 },
      entities: { ...held(), issue: rows },
    });
    asked = serve(() =>
      json({
        ...{ ...issue(9, { rank: spread.i9, version: 2 }), description: '' },
        others: [issue(2, { rank: spread.i2, version: 2 }), issue(3, { rank: spread.i3, version: 2 })],
      }),
    );
  });

  test('shows where it was put, in every state between the drop and the log', async () => {
    const seen: string[] = [];
    engine.replica.signals.on(`g ${SCOPE} issue column open`, () => seen.push(board.ids('open').join(' ')));
    const { tx } = move('i9', 'open', 'i2', 'i3');
    await sent();
    expect(ranks()).toEqual(after);
    engine.replica.apply(SCOPE, [entry(tx)]);
    expect(ranks()).toEqual(after);
    expect(new Set(seen)).toEqual(new Set(['i1 i2 i9 i3']));
  });

  test('is the same when the log comes first, or is another person’s', () => {
    engine.replica.apply(SCOPE, [entry('another')]);
    expect(ranks()).toEqual(after);
  });

  test('carries along a move over it that is still waiting', () => {
    serve(offline);
    move('i1', 'open', 'i2', 'i3');
    expect(board.ids('open')).toEqual(['i2', 'i1', 'i3', 'i9']);
    engine.replica.apply(SCOPE, [entry('another')]);
    expect(board.ids('open')).toEqual(['i2', 'i1', 'i9', 'i3']);
    expect(board.issue('i1')!.rank).toBe('a1V');
  });
});

describe('an issue', () => {
  test('is made at the top of its column, without a number until the server gives one', async () => {
    const { tx } = store.mutate(createIssue, { project: P, title: 'New', statusId: 'open' });
    expect(board.ids('open')[0]).toBe(tx);
    expect(board.issue(tx)).toMatchObject({ key: 'MESOS-…', number: 0, priority: 'medium' });
    await sent();
    expect(asked[0]).toMatchObject({ method: 'POST', path: '/api/projects/MESOS/issues' });
    expect(asked[0]!.body).toEqual({ title: 'New', statusId: 'open' });
    expect(board.issue(tx)).toBeUndefined();
    expect(board.issue('real')).toMatchObject({ title: 'New' });
  });

  test('of another status goes to the top there', () => {
    store.mutate(updateIssue, { project: P, id: 'i3', patch: { statusId: 'done' } });
    expect(board.ids('done')).toEqual(['i3', 'i4']);
    store.undo();
    expect(board.ids('open')).toEqual(['i1', 'i2', 'i3']);
  });

  test('is undone field by field, but not its description', () => {
    store.mutate(updateIssue, { project: P, id: 'i1', patch: { effort: 5, priority: 'high' } });
    store.mutate(updateIssue, { project: P, id: 'i1', patch: { description: 'long' }, version: 1 });
    expect(store.undo()).toBe(true);
    expect(board.issue('i1')).toMatchObject({ effort: null, priority: 'medium', description: 'long' });
    expect(store.undo()).toBe(false);
  });

  test('is deleted by its key though it is not shown any more', async () => {
    store.mutate(deleteIssue, { project: P, id: 'i2' });
    expect(board.ids('open')).toEqual(['i1', 'i3']);
    await sent();
    expect(asked[0]).toMatchObject({ method: 'DELETE', path: '/api/issues/MESOS-2' });
    expect(board.ids('open')).toEqual(['i1', 'i3']);
  });

  test('that was made, changed and moved offline arrives in order under its real name', async () => {
    serve(offline);
    const { tx } = store.mutate(createIssue, { project: P, title: 'New', statusId: 'open' });
    store.mutate(updateIssue, { project: P, id: tx, patch: { title: 'Better' } });
    move(tx, 'done', 'i4', null);
    expect(board.ids('done')).toEqual(['i4', tx]);
    asked = serve(server);
    engine.outbox.wake();
    await sent();
    const [made, , moved] = asked;
    expect(asked.map(({ method }) => method)).toEqual(['POST', 'PATCH', 'POST']);
    expect(made!.path).toBe('/api/projects/MESOS/issues');
    expect(moved!.path).toBe('/api/issues/MESOS-9/move');
    expect(asked[1]!.path).toBe('/api/issues/MESOS-9');
  });
});

describe('the board', () => {
  test('has its columns in order, the sum of their estimates and the sub-issues done', () => {
    expect(board.columns.map(({ id }) => id)).toEqual(['open', 'done']);
    expect(board.effort('open')).toBeNull();
    store.mutate(updateIssue, { project: P, id: 'i3', patch: { statusId: 'done', effort: 0.2 } });
    expect(board.effort('done')).toBe(0.3);
    expect(board.parts('i1')).toEqual({ done: 1, all: 1 });
    expect(board.parts('i2')).toBeNull();
  });

  test('cannot be changed by a viewer', () => {
    engine.close();
    session.close();
    open('viewer');
    expect(board.movable).toBe(false);
    expect(board.help).not.toContain('Space');
  });
});
