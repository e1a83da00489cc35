/** What the list shows and in which order: pure functions, and their form in the address. */
import { CATEGORIES, type StatusCategory } from '../project';
import { fold } from './fold';
import { PRIORITIES, type PriorityLevel } from './priority';

/** The fields of an issue that the list reads. */
export interface Listed {
  id: string;
  key: string;
  number: number;
  title: string;
  statusId: string;
  priority: PriorityLevel;
  assigneeId: string | null;
  effort: number | null;
  dueOn: string | null;
  updatedAt: string;
}

export const SORTS = ['number', 'title', 'status', 'priority', 'assignee', 'effort', 'due', 'updated'] as const;
export type Sort = (typeof SORTS)[number];

/** Due before today and neither done nor cancelled. Days compare as text. */
export function isLate(
  { dueOn }: { dueOn: string | null },
  category: StatusCategory | undefined,
  today: string,
): boolean {
  return dueOn !== null && dueOn < today && category !== 'done' && category !== 'cancelled';
}

/** Stands for "assigned to nobody" where an id would stand. */
export const NOBODY = 'none';

export interface ListQuery {
  text: string;
  statusId: string | null;
  assigneeId: string | null;
  priority: PriorityLevel | null;
  sort: Sort;
  descending: boolean;
}

const DEFAULT: ListQuery = {
  text: '',
  statusId: null,
  assigneeId: null,
  priority: null,
  sort: 'number',
  descending: true,
};

function oneOf<T extends string>(values: readonly T[], text: string | null): T | null {
  return values.find((value) => value === text) ?? null;
}

export function parseQuery(search: URLSearchParams): ListQuery {
  const sort = search.get('sort') ?? '';
  return {
    text: search.get('q') ?? '',
    statusId: search.get('status'),
    assigneeId: search.get('assignee'),
    priority: oneOf(PRIORITIES, search.get('priority')),
    sort: oneOf(SORTS, sort.replace(/^-/u, '')) ?? DEFAULT.sort,
    descending: sort ? sort.startsWith('-') : DEFAULT.descending,
  };
}

/** The query for the address, "?status=…&sort=-due"; nothing for what is the default. */
export function formatQuery(query: ListQuery): string {
  const search = new URLSearchParams();
  if (query.text) search.set('q', query.text);
  if (query.statusId) search.set('status', query.statusId);
  if (query.assigneeId) search.set('assignee', query.assigneeId);
  if (query.priority) search.set('priority', query.priority);
  if (query.sort !== DEFAULT.sort || query.descending !== DEFAULT.descending) {
    search.set('sort', (query.descending ? '-' : '') + query.sort);
  }
  const text = search.toString();
  return text && `?${text}`;
}

export function isFiltered(query: ListQuery): boolean {
  return query.text.trim() !== '' || query.statusId !== null || query.assigneeId !== null || query.priority !== null;
}

/** A press on a column: first the direction that is asked for most, then the other. */
export function sortedBy(query: ListQuery, sort: Sort): ListQuery {
  if (query.sort === sort) return { ...query, descending: !query.descending };
  return { ...query, sort, descending: sort === 'number' || sort === 'updated' || sort === 'effort' };
}

const hays = new WeakMap<Listed, string>();

/** Rows are immutable, so the text that is searched is folded once per row. */
export function hay(row: Listed): string {
  let text = hays.get(row);
  if (text === undefined) {
    text = fold(`${row.key} ${row.title}`);
    hays.set(row, text);
  }
  return text;
}

/** What sorting needs to know beyond the rows. */
export interface Lookup {
  status(id: string): { category: StatusCategory; rank: string } | undefined;
  personName(id: string): string | undefined;
  /** Whether the text is the key that the issue had before it was imported. */
  sourceKey?(id: string): boolean;
}

export function select<T extends Listed>(rows: Iterable<T>, query: ListQuery, lookup: Lookup): T[] {
  const words = fold(query.text).split(/\s+/u).filter(Boolean);
  const found: T[] = [];
  for (const row of rows) {
    if (query.statusId && row.statusId !== query.statusId) continue;
    if (query.priority && row.priority !== query.priority) continue;
    if (query.assigneeId && (row.assigneeId ?? NOBODY) !== query.assigneeId) continue;
    if (words.length > 0 && !words.every((word) => hay(row).includes(word)) && !lookup.sourceKey?.(row.id)) continue;
    found.push(row);
  }
  return sorted(found, query, lookup);
}

type SortKey = string | number | null;

function sortKey(row: Listed, sort: Sort, lookup: Lookup): SortKey {
  switch (sort) {
    case 'number':
      return row.number;
    case 'title':
      return fold(row.title);
    case 'status': {
      const status = lookup.status(row.statusId);
      return status ? `${CATEGORIES.indexOf(status.category)} ${status.rank}` : null;
    }
    case 'priority':
      return PRIORITIES.indexOf(row.priority);
    case 'assignee':
      return row.assigneeId ? fold(lookup.personName(row.assigneeId) ?? '') : null;
    case 'effort':
      return row.effort;
    case 'due':
      return row.dueOn;
    case 'updated':
      return row.updatedAt;
  }
}

/** By the key, then by number; rows without a value stand last in either direction. */
function sorted<T extends Listed>(rows: T[], { sort, descending }: ListQuery, lookup: Lookup): T[] {
  const keyed = rows.map((row) => ({ row, key: sortKey(row, sort, lookup) }));
  const sign = descending ? -1 : 1;
  keyed.sort((a, b) => {
    if (a.key === b.key) return a.row.number - b.row.number;
    if (a.key === null) return 1;
    if (b.key === null) return -1;
    return a.key < b.key ? -sign : sign;
  });
  return keyed.map(({ row }) => row);
}
