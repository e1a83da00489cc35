/** Finding projects and issues by what is typed, among everything that is held in memory. */
import { fold, hay, type Listed } from '../issue/parts';

export interface Named {
  id: string;
  key: string;
  name: string;
}

export interface Local<I> {
  projects: Named[];
  issues: I[];
  /** The first issue is the one whose key was typed. */
  exact: boolean;
}

const MOST_PROJECTS = 5;
const MOST_ISSUES = 12;
const MOST_RECENT = 6;

export function wordsOf(typed: string): string[] {
  return fold(typed)
    .split(/[\s"]+/u)
    .filter(Boolean);
}

/** Smaller is better: the key itself, the beginning of a key or of the title, the beginning of a word, anywhere. */
function distance(row: Listed, query: string): number {
  const key = row.key.toLowerCase();
  if (key === query) return 0;
  const number = key.slice(key.indexOf('-') + 1);
  if (number === query) return 1;
  const text = hay(row).slice(key.length + 1);
  if (text.startsWith(query)) return 2;
  return text.includes(` ${query}`) ? 3 : 4;
}

function newest(a: Listed, b: Listed): number {
  if (a.updatedAt === b.updatedAt) return 0;
  return a.updatedAt < b.updatedAt ? 1 : -1;
}

/** The issues that were changed last, by anybody. */
export function recent<I extends Listed>(issues: readonly I[]): I[] {
  const last: I[] = [];
  for (const row of issues) {
    if (last.length === MOST_RECENT && newest(row, last.at(-1)!) >= 0) continue;
    const at = last.findIndex((other) => newest(row, other) < 0);
    last.splice(at < 0 ? last.length : at, 0, row);
    last.length = Math.min(last.length, MOST_RECENT);
  }
  return last;
}

/** With nothing typed: all projects, and no issue. */
export function find<I extends Listed>(typed: string, projects: readonly Named[], issues: readonly I[]): Local<I> {
  const words = wordsOf(typed);
  const query = words.join(' ');
  const places = projects.filter(({ key, name }) => words.every((word) => fold(`${key} ${name}`).includes(word)));
  if (words.length === 0) return { projects: places, issues: [], exact: false };
  const found = issues
    .filter((row) => words.every((word) => hay(row).includes(word)))
    .map((issue) => ({ issue, distance: distance(issue, query) }))
    .sort((a, b) => a.distance - b.distance || newest(a.issue, b.issue))
    .slice(0, MOST_ISSUES);
  return {
    projects: places.slice(0, MOST_PROJECTS),
    issues: found.map(({ issue }) => issue),
    exact: found[0]?.distance === 0,
  };
}
