/** What the palette shows, in its order. */
import type { Listed } from '../issue/parts';
import { hrefOf, mark, type Answer, type Hit, type Segment } from './hit';
import { wordsOf, type Local, type Named } from './local';

export type Target =
  | { kind: 'project'; href: string; project: Named }
  | { kind: 'issue'; href: string; key: string; statusId: string; title: readonly Segment[] }
  | { kind: 'hit'; href: string; hit: Hit }
  | { kind: 'all'; href: string };

export interface Group {
  name: 'recent' | 'projects' | 'issues' | 'descriptions' | 'comments' | 'all';
  targets: Target[];
}

const MOST_HITS = 6;

const project = (one: Named): Target => ({ kind: 'project', href: `/projects/${one.key}`, project: one });
const hit = (one: Hit): Target => ({ kind: 'hit', href: hrefOf(one), hit: one });

function issue({ key, statusId, title }: Listed, words: readonly string[]): Target {
  return { kind: 'issue', href: `/issues/${key}`, key, statusId, title: mark(title, words) };
}

/** Before anything is typed: what was changed last, and the projects. */
export function begin(recent: readonly Listed[], projects: readonly Named[]): Group[] {
  return filled([
    { name: 'recent', targets: recent.map((row) => issue(row, [])) },
    { name: 'projects', targets: projects.map(project) },
  ]);
}

/**
 * What is held here comes first and at once; what the server finds is put below it when it comes, so that nothing
 * moves under the hand.
 */
export function gather(typed: string, local: Local<Listed>, answer: Answer | null): Group[] {
  const words = wordsOf(typed);
  const here = new Set(local.issues.map(({ key }) => key));
  const [inTitles, inTexts, inComments]: [Hit[], Hit[], Hit[]] = [[], [], []];
  for (const one of answer?.items ?? []) {
    if (one.kind === 'comment') inComments.push(one);
    else if (one.text.length > 0 && !one.named) inTexts.push(one);
    else if (!here.has(one.key)) inTitles.push(one);
  }
  const projects: Group = { name: 'projects', targets: local.projects.map(project) };
  const titles = [...local.issues.map((row) => issue(row, words)), ...inTitles.slice(0, MOST_HITS).map(hit)];
  const issues: Group = { name: 'issues', targets: titles };
  const all: Target = { kind: 'all', href: `/search?${new URLSearchParams({ q: typed.trim() })}` };
  return filled([
    ...(local.exact ? [issues, projects] : [projects, issues]),
    { name: 'descriptions', targets: inTexts.slice(0, MOST_HITS).map(hit) },
    { name: 'comments', targets: inComments.slice(0, MOST_HITS).map(hit) },
    { name: 'all', targets: answer && answer.found > 0 ? [all] : [] },
  ]);
}

function filled(groups: Group[]): Group[] {
  return groups.filter(({ targets }) => targets.length > 0);
}
