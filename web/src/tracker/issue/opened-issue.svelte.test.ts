import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { people } from '../../account';
import { createApi, Session, Vault, type Api } from '../../base/api';
import { MemoryQueue } from '../../base/persist';
import type { App, Workspace } from '../../base/state';
import { Store } from '../../base/store';
import { Engine } from '../../base/sync';
import { emptyBrowser, json, serve, silent } from '../../base/testing';
import { members, memberships, projects, scopeOf, statuses } from '../project';
import { issues, type Issue } from './issue';
import { OpenedIssue } from './opened-issue.svelte';

const SCOPE = scopeOf('p');
const me = { id: 'ada', email: 'ada@example.org', displayName: 'Ada', role: 'user' } as const;
const row: Issue = {
  ...{ id: 'i1', key: 'MESOS-1', number: 1, title: 'One', statusId: 'open', priority: 'medium', rank: 'a1' },
  ...{ assigneeId: null, effort: null, parentId: null, dueOn: null, authorId: 'ada', version: 1 },
  ...{ createdAt: '2026-01-01T00:00:00Z', updatedAt: '2026-01-01T00:00:00Z' },
};

let engine: Engine;
let session: Session;
let api: Api;
let issue: OpenedIssue;

beforeEach(async () => {
  await emptyBrowser();
  session = new Session(new Vault());
  api = createApi(session);
  engine = new Engine({
    ...{ api, queue: new MemoryQueue(), actor: me.id, mutations: [] },
    entities: [projects, statuses, members, memberships, issues, people] as never,
    remote: silent,
    tell: () => undefined,
    onRefused: () => undefined,
  });
  const project = [{ id: 'p', key: 'MESOS', name: 'Apache Mesos', description: '', version: 1 }] as never;
  engine.replica.load({ scope: SCOPE, epoch: 'e', seq: 1, entities: { project, issue: [row] } });
  const store = new Store(engine);
  issue = new OpenedIssue({ api, online: true } as App, { me, store } as unknown as Workspace, 'mesos-1');
});
afterEach(() => {
  engine.close();
  session.close();
  vi.unstubAllGlobals();
});

test('a description that was overtaken on its way is read again', async () => {
  let description = 'mine';
  const asked = serve(() => {
    const answer = json({ ...row, description, version: description === 'mine' ? 1 : 2 });
    if (description === 'mine') {
      // While the answer is on its way, somebody writes another one, and the stream is faster.
      description = 'theirs';
      const patch = { description, version: 2 };
      const changes = [{ entity: 'issue', id: 'i1', op: 'update' as const, patch }];
      engine.replica.apply(SCOPE, [{ scope: SCOPE, seq: 2, tx: 't', at: row.updatedAt, actor: 'bob', changes }]);
    }
    return answer;
  });
  await issue.load();
  // With version 2 beside the text of version 1, saving would replace theirs without a question.
  expect([issue.description, issue.row?.version, asked.length]).toEqual(['theirs', 2, 2]);
});

test('a description that was saved does not hide the one that followed it', async () => {
  engine.replica.setDetail('issue', 'i1', { description: 'old' });
  serve(() => {
    const entries = ['mine', 'theirs'].map((description, n) => {
      const patch = { description, version: n + 2 };
      const changes = [{ entity: 'issue', id: 'i1', op: 'update' as const, patch }];
      return { scope: SCOPE, seq: n + 2, tx: `t${n}`, at: row.updatedAt, actor: 'bob', changes };
    });
    engine.replica.apply(SCOPE, entries);
    return json({ ...row, description: 'mine', version: 2 });
  });
  await issue.describe({ text: 'mine', version: 1 });
  expect([issue.description, issue.row?.version]).toEqual(['theirs', 3]);
});
