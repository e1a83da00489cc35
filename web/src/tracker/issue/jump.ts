/** Finding a project or an issue by what is typed, among everything that is held in memory. */
import { fold, hay, type Listed } from './list';

export interface Target<I> {
  href: string;
  /** Exactly one of the two. */
  project?: { id: string; key: string; name: string };
  issue?: I;
}

const SHOWN = 30;

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

export function find<I extends Listed>(
  typed: string,
  projects: readonly { id: string; key: string; name: string }[],
  issues: readonly I[],
): Target<I>[] {
  const query = fold(typed).trim();
  const words = query.split(/\s+/u).filter(Boolean);
  const places = projects
    .filter(({ key, name }) => words.every((word) => fold(`${key} ${name}`).includes(word)))
    .map((project) => ({ href: `/projects/${project.key}`, project }));
  if (words.length === 0) return places.slice(0, SHOWN);
  const found = issues
    .filter((row) => words.every((word) => hay(row).includes(word)))
    .map((issue) => ({ issue, distance: distance(issue, query) }))
    .sort((a, b) => a.distance - b.distance || newest(a.issue, b.issue))
    .slice(0, SHOWN)
    .map(({ issue }) => ({ href: `/issues/${issue.key}`, issue }));
  const exact = found[0] && found[0].issue.key.toLowerCase() === query;
  return exact ? [...found, ...places] : [...places.slice(0, 5), ...found];
}
