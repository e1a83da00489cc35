import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { people } from '../../account';
import { createApi, Problem, Session, Vault } from '../../base/api';
import { MemoryQueue } from '../../base/persist';
import type { App, Workspace } from '../../base/state';
import { Store } from '../../base/store';
import { Engine, type Change } from '../../base/sync';
import { emptyBrowser, json, offline, problem, serve, silent, type Handler } from '../../base/testing';
import { issues } from '../issue';
import { members, memberships, projects, statuses } from '../project';
import { excerpt } from './body';
import { comments, createComment, deleteComment, updateComment, type Comment } from './comment';
import { Thread } from './comments.svelte';

const SCOPE = 'project:p';
const said = (n: number, fields: Partial<Comment> = {}): Comment => ({
  ...{ id: `c${String(n).padStart(3, '0')}`, issueId: 'i', authorId: 'ada', body: `Comment ${n}`, version: 1 },
  ...{ createdAt: '2026-01-01T00:00:00Z', updatedAt: '2026-01-01T00:00:00Z' },
  ...fields,
});

let engine: Engine;
let session: Session;
let app: App;
let workspace: Workspace;
let refused: string[];
let seq: number;
/** What the server has. */
let all: Comment[];

/** Answers as the server does: pages of the newest, and the changes of one comment. */
const server: Handler = ({ method, path, body }) => {
  const { pathname, searchParams } = new URL(path, location.origin);
  const id = pathname.split('/')[3]!;
  if (method === 'DELETE') return new Response(null, { status: 204 });
  if (method === 'POST') return json(said(900, body as object), 201);
  if (method === 'PATCH') {
    const known = all.find((row) => row.id === id)!;
    const { version, ...rest } = body as { version: number };
    return version === known.version
      ? json({ ...known, ...rest, version: version + 1 })
      : problem(409, { current: known });
  }
  const cursor = searchParams.get('cursor') ?? 'z';
  const limit = Number(searchParams.get('limit'));
  const rows = all.filter((row) => row.id < cursor).toReversed();
  return json({ items: rows.slice(0, limit), nextCursor: rows.length > limit ? rows[limit - 1]!.id : null });
};

function happens(...changes: Change[]): void {
  engine.replica.apply(SCOPE, [{ scope: SCOPE, seq: ++seq, tx: `t${seq}`, at: '', actor: 'bob', changes }]);
}
const made = (row: Comment): Change => ({ entity: 'comment', id: row.id, op: 'create', patch: { ...row } });

const rest = () => vi.advanceTimersByTimeAsync(1_000);
const open = () => new Thread(app, workspace, { id: 'i', key: 'MESOS-1' });
const bodies = (thread: Thread) => thread.rows.map(({ body }) => body);

beforeEach(async () => {
  await emptyBrowser();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  refused = [];
  seq = 1;
  all = [said(1), said(2, { authorId: 'bob' })];
  session = new Session(new Vault());
  const api = createApi(session);
  engine = new Engine({
    api,
    remote: silent,
    queue: new MemoryQueue(),
    actor: 'ada',
    entities: [projects, statuses, members, memberships, issues, comments, people] as never[],
    mutations: [createComment, updateComment, deleteComment] as never[],
    tell: () => undefined,
    onRefused: ({ text }) => refused.push(text),
  });
  play('member');
  engine.replica.load({
    ...{ scope: SCOPE, epoch: 'e', seq },
    entities: {
      project: [{ id: 'p', key: 'MESOS', name: 'Mesos' } as never],
      issue: [{ id: 'i', key: 'MESOS-1' } as never],
    },
  });
  engine.replica.load({
    scope: 'org',
    epoch: 'e',
    seq,
    entities: { person: [{ id: 'bob', displayName: 'Bob' } as never] },
  });
  const store = new Store(engine);
  workspace = { store, me: { id: 'ada' }, drafts: new Map() } as unknown as Workspace;
  app = { api, online: true } as unknown as App;
  engine.outbox.lead(new AbortController().signal);
});
afterEach(() => {
  engine.close();
  session.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** Gives the person a role in the project. */
function play(role: string): void {
  const entities = { membership: [{ id: 'p', role } as never] };
  engine.replica.load({ scope: 'user:ada', epoch: 'e', seq: 1, entities });
}

describe('reading', () => {
  test('begins with the newest and goes back by steps', async () => {
    all = Array.from({ length: 220 }, (_, n) => said(n));
    const asked = serve(server);
    const thread = open();
    expect(thread.earlier).toBeUndefined();
    await thread.load();
    expect([thread.rows.length, thread.rows[0]!.id, thread.rows.at(-1)!.id]).toEqual([50, 'c170', 'c219']);
    const sizes = [];
    while (thread.earlier) {
      await thread.loadEarlier();
      sizes.push(thread.rows.length);
    }
    expect(sizes).toEqual([150, 220]);
    expect(asked.map(({ path }) => path)).toEqual(
      ['limit=50', 'limit=100&cursor=c170', 'limit=100&cursor=c070'].map(
        (query) => `/api/issues/MESOS-1/comments?sort=-created&${query}`,
      ),
    );
    const again = open();
    expect([again.earlier, again.rows.length]).toEqual([false, 220]);
  });

  test('goes back to the one that a link names', async () => {
    all = Array.from({ length: 220 }, (_, n) => said(n));
    serve(server);
    const thread = open();
    await thread.load();
    await thread.reveal('c100');
    expect([thread.rows[0]!.id, thread.earlier]).toEqual(['c070', true]);
    await thread.reveal('never');
    expect([thread.rows.length, thread.earlier]).toEqual([220, false]);
  });

  test('says what is in the way, and goes on when there is a network', async () => {
    serve(offline);
    const thread = open();
    await thread.load();
    expect(thread.error).toBeInstanceOf(TypeError);
    serve(server);
    thread.retry();
    await rest();
    expect([thread.error, bodies(thread)]).toEqual([null, ['Comment 1', 'Comment 2']]);
  });

  test('tells of what others say meanwhile, and of nothing else', async () => {
    serve(server);
    const thread = open();
    await thread.load();
    expect(thread.said).toBe('');
    happens(made(said(3)));
    expect(thread.said).toBe('');
    happens(made(said(4, { authorId: 'bob' })));
    expect(thread.said).toBe('Bob has commented.');
    expect(bodies(thread).at(-1)).toBe('Comment 4');
    happens({ entity: 'issue', id: 'i', op: 'delete', patch: {} });
    expect(bodies(thread)).toEqual([]);
  });
});

describe('writing', () => {
  test('shows at once, stands last, and is the server’s then', async () => {
    const asked = serve(server);
    const thread = open();
    await thread.load();
    thread.draft = '  One\n';
    thread.send();
    expect([thread.draft, bodies(thread).at(-1), thread.rows.at(-1)!.version]).toEqual(['', '  One\n', 0]);
    expect([thread.mayEdit(thread.rows.at(-1)!), thread.mayDelete(thread.rows.at(-1)!)]).toEqual([false, false]);
    await rest();
    expect(thread.rows.at(-1)).toMatchObject({ id: 'c900', body: '  One\n', version: 1 });
    expect(asked.at(-1)).toMatchObject({
      method: 'POST',
      path: '/api/issues/MESOS-1/comments',
      body: { body: '  One\n' },
    });
    expect(asked.at(-1)!.headers.get('Idempotency-Key')).toMatch(/^[0-9a-f-]{36}$/u);
  });

  test('sends nothing that is blank', async () => {
    const asked = serve(server);
    const thread = open();
    thread.draft = ' \n';
    thread.send();
    await rest();
    expect([asked, thread.draft]).toEqual([[], ' \n']);
  });

  test('is back where it was written when the server does not take it', async () => {
    serve(() => problem(403));
    const thread = open();
    thread.draft = 'One';
    thread.send();
    await rest();
    expect([thread.draft, thread.rows, refused]).toEqual(['One', [], ['One']]);
    thread.send();
    thread.draft = 'Two';
    await rest();
    expect([thread.draft, refused]).toEqual(['Two', ['One', 'One']]);
  });

  test('waits while there is no network', async () => {
    serve(offline);
    const thread = open();
    thread.draft = 'One';
    thread.send();
    await rest();
    expect(bodies(thread)).toEqual(['One']);
    serve(server);
    await thread.load();
    engine.outbox.wake();
    await rest();
    expect([bodies(thread), workspace.store.pending(), refused]).toEqual([['Comment 1', 'Comment 2', 'One'], [], []]);
  });

  test('keeps what was begun for the next visit', () => {
    open().draft = 'Half a';
    expect(open().draft).toBe('Half a');
    expect(new Thread(app, workspace, { id: 'other', key: 'MESOS-2' }).draft).toBe('');
    open().draft = '';
    expect(workspace.drafts.size).toBe(0);
  });
});

describe('editing', () => {
  test('names the version that was read, and shows what the server has', async () => {
    const asked = serve(server);
    const thread = open();
    await thread.load();
    await thread.edit(thread.rows[0]!, 'New', 1);
    expect(asked.at(-1)).toMatchObject({
      method: 'PATCH',
      path: '/api/comments/c001',
      body: { body: 'New', version: 1 },
    });
    expect(thread.rows[0]).toMatchObject({ body: 'New', version: 2 });
  });

  test('is told of another edit, with what is there now', async () => {
    serve(server);
    const thread = open();
    await thread.load();
    all[0] = said(1, { body: 'Theirs', version: 2 });
    const reason = await thread.edit(thread.rows[0]!, 'Mine', 1).catch((one: unknown) => one);
    expect(reason).toBeInstanceOf(Problem);
    expect((reason as Problem).current).toMatchObject({ body: 'Theirs', version: 2 });
    expect(thread.rows[0]!.body).toBe('Comment 1');
  });

  test('waits without a network, one edit behind the other, and hands back what comes too late', async () => {
    serve(server);
    const thread = open();
    await thread.load();
    serve(offline);
    Object.assign(app, { online: false });
    await thread.edit(thread.rows[0]!, 'New', 1);
    await thread.edit(thread.rows[0]!, 'Newer', thread.rows[0]!.version);
    expect(thread.rows[0]).toMatchObject({ body: 'Newer', version: 3 });
    const asked = serve((request, signal) => {
      const answered = server(request, signal);
      if (request.method === 'PATCH') all[0] = { ...all[0]!, version: all[0]!.version + 1 };
      return answered;
    });
    engine.outbox.wake();
    await rest();
    expect(asked.map(({ body }) => body)).toEqual([
      { body: 'New', version: 1 },
      { body: 'Newer', version: 2 },
    ]);
    expect([thread.rows[0]!.version, refused]).toEqual([3, []]);
    await thread.edit(thread.rows[0]!, 'Late', 1);
    await rest();
    expect([refused, thread.rows[0]!.body]).toEqual([['Late'], 'Newer']);
  });
});

test('a deleted comment is gone at once and stays gone', async () => {
  const asked = serve(server);
  const thread = open();
  await thread.load();
  thread.delete(thread.rows[0]!);
  expect(bodies(thread)).toEqual(['Comment 2']);
  await rest();
  expect(asked.at(-1)).toMatchObject({ method: 'DELETE', path: '/api/comments/c001' });
  happens(made(said(1)));
  expect(bodies(thread)).toEqual(['Comment 2']);
});

test.each([
  ['viewer', [false, false], [false, false], false],
  ['member', [true, true], [false, false], true],
  ['maintainer', [true, true], [false, true], true],
  ['owner', [true, true], [false, true], true],
])('what a %s may do', async (role, mine, theirs, writes) => {
  serve(server);
  play(role);
  const thread = open();
  await thread.load();
  const may = (row: Comment) => [thread.mayEdit(row), thread.mayDelete(row)];
  expect([may(thread.rows[0]!), may(thread.rows[1]!), thread.opened.writes]).toEqual([mine, theirs, writes]);
});

test.each([
  [' One\n\n two ', 'One two'],
  ['x'.repeat(500), `${'x'.repeat(80)}…`],
])('an excerpt of %j', (body, expected) => expect(excerpt(body)).toBe(expected));
