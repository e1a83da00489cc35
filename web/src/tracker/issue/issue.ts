/** Issues: their form, their order in columns, and the mutations that change them. They live in the project's scope. */
import { generateKeyBetween } from 'fractional-indexing';
import { ok, Problem, type Api } from '../../base/api';
import { m } from '../../base/i18n';
import type { Answer, Call, Confirmed, Draft, Entity, Mutation, Reader } from '../../base/sync';
import { projects, scopeOf } from '../project';
import type { PriorityLevel } from './priority';

/** What is held of every issue; the description is a detail. */
export interface Issue {
  readonly id: string;
  /** As in MESOS-12; of one that the server does not know yet, without a number. */
  readonly key: string;
  readonly number: number;
  readonly title: string;
  readonly statusId: string;
  readonly priority: PriorityLevel;
  readonly assigneeId: string | null;
  /** Points. */
  readonly effort: number | null;
  readonly parentId: string | null;
  /** YYYY-MM-DD. */
  readonly dueOn: string | null;
  /** A fractional index: the place in the column. */
  readonly rank: string;
  readonly authorId: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly version: number;
  /** Only while a change of it is on its way; else among the details. */
  readonly description?: string;
}

export const issues: Entity<Issue> = {
  name: 'issue',
  schema: 1,
  detail: ['description'],
  indexes: {
    /** The cards of a column, by status. */
    column: { group: ({ statusId }) => statusId, sort: ({ rank }) => rank },
    /** The sub-issues of an issue. */
    parts: { group: ({ parentId }) => parentId, sort: ({ number }) => String(number).padStart(9, '0') },
  },
};

export const TITLE_MAX = 200;
export const DESCRIPTION_MAX = 100_000;

/** The fields that people set. */
export type Fields = Pick<Issue, 'title' | 'statusId' | 'priority' | 'assigneeId' | 'effort' | 'parentId' | 'dueOn'> & {
  description: string;
};

/** Where an issue is: every mutation names its project, which says the scope. */
interface Target {
  project: string;
  id: string;
}

const scope = ({ project }: { project: string }) => scopeOf(project);
const header = (tx: string) => ({ 'Idempotency-Key': tx });

function answer(row: { id: string; [field: string]: unknown }): Required<Pick<Answer, 'rows'>> & { value: Issue } {
  return { rows: [{ entity: issues.name, row }], value: row as unknown as Issue };
}

/** The key to ask the server with. Throws Problem: the issue is gone. */
export function keyOf(known: Confirmed, id: string): string {
  const row = known.get(issues, id);
  if (!row) throw new Problem({ status: 404, detail: m.issue_gone() });
  return row.key;
}

/** A rank between two, either of which may be absent; ranks that collide give one near the first. */
function between(low: string | null, high: string | null): string {
  try {
    return generateKeyBetween(low, high);
  } catch {
    return generateKeyBetween(low, null);
  }
}

/** The rank before all of a column, where new issues and those of another status go. */
function top(draft: Reader, statusId: string): string {
  const [first] = draft.group(issues, 'column', statusId);
  return between(null, (first && draft.get(issues, first)?.rank) ?? null);
}

export type Create = { project: string } & Partial<Fields> & Pick<Fields, 'title' | 'statusId'>;

const BLANK = { priority: 'medium', assigneeId: null, effort: null, parentId: null, dueOn: null } as const;

export const createIssue: Mutation<Create, Issue> = {
  name: 'issue.create',
  creates: issues.name,
  scope,
  apply: (draft, { project, ...fields }, { tx, actor, at }) => {
    const key = draft.get(projects, project)?.key ?? '';
    const known = { key: `${key}-…`, number: 0, rank: top(draft, fields.statusId), authorId: actor, version: 0 };
    draft.put(issues, { ...BLANK, ...fields, ...known, id: tx, createdAt: at, updatedAt: at });
  },
  send: async (api: Api, { project, ...body }, { tx }, known) => {
    const key = known.get(projects, project)?.key;
    if (!key) throw new Problem({ status: 404, detail: m.project_gone() });
    const params = { path: { key }, header: header(tx) };
    return answer(await ok(api.POST('/api/projects/{key}/issues', { params, body })));
  },
  text: ({ title, description }) => (description ? `${title}\n\n${description}` : title),
};

export interface Update extends Target {
  patch: Partial<Fields>;
  /** With a description: the version that it was read at. A stale one is refused. */
  version?: number;
}

export const updateIssue: Mutation<Update, Issue> = {
  name: 'issue.update',
  scope,
  apply: (draft, { id, patch }, { at }) => {
    const row = draft.get(issues, id);
    if (!row) return;
    const moved = patch.statusId !== undefined && patch.statusId !== row.statusId;
    draft.patch(issues, id, {
      ...patch,
      updatedAt: at,
      ...(moved ? { rank: top(draft, patch.statusId!) } : {}),
    });
  },
  send: async (api: Api, { id, patch, version }, { tx }, known) => {
    const params = { path: { key: keyOf(known, id) }, header: header(tx) };
    const body = version === undefined ? patch : { ...patch, version };
    return answer(await ok(api.PATCH('/api/issues/{key}', { params, body })));
  },
  // A description replaces another person's text for good when it is taken back blindly: not by Ctrl-Z.
  inverse: (read, { project, id, patch }) => {
    const before = read.get(issues, id);
    if (!before || 'description' in patch) return null;
    if (patch.statusId !== undefined && Object.keys(patch).length === 1) return backTo(read, project, before);
    const back = Object.keys(patch).map((field) => [field, before[field as keyof Issue]] as const);
    return { mutation: updateIssue, args: { project, id, patch: Object.fromEntries(back) } } as Call<never>;
  },
  text: ({ patch }) => patch.description ?? '',
};

export const deleteIssue: Mutation<Target, void> = {
  name: 'issue.delete',
  scope,
  apply: (draft, { id }) => draft.remove(issues, id),
  send: async (api: Api, { id }, { tx }, known) => {
    const gone = { gone: [{ entity: issues.name, id }] };
    const key = keyOf(known, id);
    await ok(api.DELETE('/api/issues/{key}', { params: { path: { key }, header: header(tx) } }));
    return gone;
  },
};

export interface Move extends Target {
  statusId: string;
  /** The issue that it shall stand right below; without one it stands right above `before`, or first. */
  after: string | null;
  before: string | null;
}

export const moveIssue: Mutation<Move, Issue> = {
  name: 'issue.move',
  scope,
  apply: (draft, args, { at }) => {
    const row = draft.get(issues, args.id);
    if (row) draft.patch(issues, args.id, { statusId: args.statusId, rank: placed(draft, args), updatedAt: at });
  },
  send: async (api: Api, { id, statusId, after, before }, { tx }, known) => {
    const params = { path: { key: keyOf(known, id) }, header: header(tx) };
    const body = { statusId, ...(after ? { after } : {}), ...(before ? { before } : {}) };
    // Others may have made room: beside their old ranks the new one would stand elsewhere until the log comes.
    const { others = [], ...moved } = await ok(api.POST('/api/issues/{key}/move', { params, body }));
    const { rows, value } = answer(moved);
    return { rows: [...rows, ...others.map((row) => ({ entity: issues.name, row }))], value };
  },
  inverse: (read, { project, id }) => {
    const row = read.get(issues, id);
    return row ? backTo(read, project, row) : null;
  },
};

/** The rank that the server will give, as far as it can be known here: the neighbours may have moved since. */
function placed(draft: Draft, { id, statusId, after, before }: Move): string {
  const column = draft.group(issues, 'column', statusId).filter((other) => other !== id);
  const rank = (at: number) => (at >= 0 && at < column.length ? (draft.get(issues, column[at]!)?.rank ?? null) : null);
  const above = after ? column.indexOf(after) : -1;
  if (above >= 0) return between(rank(above), rank(above + 1));
  const below = before ? column.indexOf(before) : -1;
  if (below >= 0) return between(rank(below - 1), rank(below));
  return between(null, rank(0));
}

/** The move that brings an issue back to where it stands now. */
function backTo(read: Reader, project: string, { id, statusId }: Issue): Call<never> {
  const column = read.group(issues, 'column', statusId);
  const at = column.indexOf(id);
  const args: Move = { project, id, statusId, after: column[at - 1] ?? null, before: column[at + 1] ?? null };
  return { mutation: moveIssue, args } as Call<never>;
}

/** Reads an issue whole. Throws Problem. */
export function fetchIssue(api: Api, key: string): Promise<Issue & { description: string }> {
  return ok(api.GET('/api/issues/{key}', { params: { path: { key } } }));
}
