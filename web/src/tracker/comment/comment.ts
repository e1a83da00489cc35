/** Comments on issues: their form, and the mutations that change them. They live in the project's scope. */
import { ok, type Api } from '../../base/api';
import type { Answer, Entity, Mutation } from '../../base/sync';
import { issues, keyOf } from '../issue';
import { scopeOf } from '../project';

export interface Comment {
  readonly id: string;
  readonly issueId: string;
  readonly authorId: string;
  /** Markdown. */
  readonly body: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  /** 0 for one that the server does not know yet, above 1 for one that was edited. */
  readonly version: number;
}

/** Read issue by issue, the newest first; what is held of an issue are always its newest comments, without a gap. */
export const comments: Entity<Comment> = {
  name: 'comment',
  schema: 1,
  onDemand: { index: 'thread', of: issues.name },
  indexes: {
    /** What was said about an issue, in its order. Ids tell the time; what is still to be sent stands last. */
    thread: {
      group: ({ issueId }) => issueId,
      sort: ({ id, version, createdAt }) => (version > 0 ? id : `~${createdAt}`),
    },
  },
};

interface Target {
  project: string;
  id: string;
}

const scope = ({ project }: { project: string }) => scopeOf(project);
const header = (tx: string) => ({ 'Idempotency-Key': tx });
const answer = (row: Comment): Answer & { value: Comment } => ({
  rows: [{ entity: comments.name, row }],
  value: row,
});

export const createComment: Mutation<{ project: string; issue: string; body: string }, Comment> = {
  name: 'comment.create',
  creates: comments.name,
  scope,
  apply: (draft, { issue, body }, { tx, actor, at }) =>
    draft.put(comments, {
      ...{ id: tx, issueId: issue, authorId: actor, body, version: 0 },
      ...{ createdAt: at, updatedAt: at },
    }),
  send: async (api: Api, { issue, body }, { tx }, known) => {
    const params = { path: { key: keyOf(known, issue) }, header: header(tx) };
    return answer(await ok(api.POST('/api/issues/{key}/comments', { params, body: { body } })));
  },
  text: ({ body }) => body,
};

export interface Update extends Target {
  body: string;
  /** The version that it was read at. A stale one is refused. */
  version: number;
}

export const updateComment: Mutation<Update, Comment> = {
  name: 'comment.update',
  scope,
  // The version that it will have: a second edit that waits behind this one names it.
  apply: (draft, { id, body, version }, { at }) =>
    draft.patch(comments, id, { body, version: version + 1, updatedAt: at }),
  send: async (api: Api, { id, body, version }, { tx }) => answer(await saveComment(api, { id, body, version }, tx)),
  text: ({ body }) => body,
};

export const deleteComment: Mutation<Target, void> = {
  name: 'comment.delete',
  scope,
  apply: (draft, { id }) => draft.remove(comments, id),
  send: async (api: Api, { id }, { tx }) => {
    await ok(api.DELETE('/api/comments/{id}', { params: { path: { id }, header: header(tx) } }));
    return { gone: [{ entity: comments.name, id }] };
  },
};

/** Saves an edit. Throws Problem: 409 with the current row when it was changed meanwhile. */
export function saveComment(api: Api, { id, body, version }: Omit<Update, 'project'>, tx: string): Promise<Comment> {
  return ok(api.PATCH('/api/comments/{id}', { params: { path: { id }, header: header(tx) }, body: { body, version } }));
}
