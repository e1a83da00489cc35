/** Notes of one's own: their form, and the mutations that change them. They live in the user's scope. */
import { ok, type Api } from '../base/api';
import type { Answer, Call, Entity, Mutation } from '../base/sync';

export interface Note {
  readonly id: string;
  readonly title: string;
  /** Markdown. */
  readonly body: string;
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export const notes: Entity<Note> = { name: 'note', schema: 1 };

export const TITLE_MAX = 200;
export const BODY_MAX = 100_000;

type Draft = Pick<Note, 'title' | 'body'>;

const scope = (_: unknown, actor: string) => `user:${actor}`;
const header = (tx: string) => ({ 'Idempotency-Key': tx });
const answer = (row: Note): Answer & { value: Note } => ({ rows: [{ entity: notes.name, row }], value: row });

export const createNote: Mutation<Draft, Note> = {
  name: 'note.create',
  creates: notes.name,
  scope,
  apply: (draft, { title, body }, { tx, at }) =>
    draft.put(notes, { id: tx, title, body, version: 0, createdAt: at, updatedAt: at }),
  send: async (api: Api, body, { tx }) =>
    answer(await ok(api.POST('/api/notes', { params: { header: header(tx) }, body }))),
  text: ({ title, body }) => `${title}\n\n${body}`,
};

interface Update {
  id: string;
  patch: Partial<Draft>;
}

export const updateNote: Mutation<Update, Note> = {
  name: 'note.update',
  scope,
  apply: (draft, { id, patch }, { at }) => draft.patch(notes, id, { ...patch, updatedAt: at }),
  send: async (api: Api, { id, patch }, { tx }) =>
    answer(await ok(api.PATCH('/api/notes/{id}', { params: { path: { id }, header: header(tx) }, body: patch }))),
  inverse: (read, { id, patch }) => {
    const before = read.get(notes, id);
    if (!before) return null;
    const back = Object.keys(patch).map((field) => [field, before[field as keyof Draft]] as const);
    return { mutation: updateNote, args: { id, patch: Object.fromEntries(back) } } as Call<never>;
  },
  text: ({ patch }) => patch.body ?? patch.title ?? '',
};

export const deleteNote: Mutation<{ id: string }, void> = {
  name: 'note.delete',
  scope,
  apply: (draft, { id }) => draft.remove(notes, id),
  send: async (api: Api, { id }, { tx }) => {
    await ok(api.DELETE('/api/notes/{id}', { params: { path: { id }, header: header(tx) } }));
    return { gone: [{ entity: notes.name, id }] };
  },
};

/** The latest change first. */
export function newestFirst(all: readonly Note[]): Note[] {
  return [...all].sort((a, b) => (a.updatedAt < b.updatedAt ? 1 : a.updatedAt > b.updatedAt ? -1 : 0));
}

/** The beginning of a note, without line breaks and Markdown's signs, for the list. */
export function excerpt(body: string): string {
  return body
    .slice(0, 300)
    .replace(/[#*_`>\-[\]]+/gu, '')
    .replace(/\s+/gu, ' ')
    .trim()
    .slice(0, 120);
}
