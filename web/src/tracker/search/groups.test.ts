import { expect, it } from 'vitest';
import type { Listed } from '../issue/parts';
import { begin, gather, type Group } from './groups';
import type { Answer, Hit } from './hit';

const row = (key: string, title: string): Listed => ({
  id: key,
  key,
  number: 1,
  title,
  statusId: 's',
  priority: 'medium',
  assigneeId: null,
  effort: null,
  dueOn: null,
  updatedAt: '',
});
const project = { id: 'p', key: 'HRB', name: 'Harbor' };
const text = [{ text: 'x', marked: true }];
const found = (key: string, more: Partial<Hit> = {}): Hit => ({
  kind: 'issue',
  issueId: key,
  commentId: null,
  projectId: 'p',
  key,
  statusId: 's',
  named: false,
  title: text,
  text: [],
  authorId: 'a',
  updatedAt: '',
  ...more,
});
const answer = (...items: Hit[]): Answer => ({ items, nextCursor: null, found: items.length, more: false });
const names = (groups: Group[]) =>
  groups.map(({ name, targets }) => `${name}: ${targets.map((t) => t.href).join(' ')}`);

it('begins with what was changed last, and the projects', () =>
  expect(names(begin([row('HRB-1', 'One')], [project]))).toEqual(['recent: /issues/HRB-1', 'projects: /projects/HRB']));

it('puts what the server finds below what is held here, once', () => {
  const local = { projects: [project], issues: [row('HRB-1', 'light')], exact: false };
  const comment = found('HRB-3', { kind: 'comment', commentId: 'c', text });
  expect(names(gather('light', local, null))).toEqual(['projects: /projects/HRB', 'issues: /issues/HRB-1']);
  const all = answer(found('HRB-1'), found('HRB-2'), found('HRB-1', { text }), comment);
  expect(names(gather('light ', local, all))).toEqual([
    'projects: /projects/HRB',
    'issues: /issues/HRB-1 /issues/HRB-2',
    'descriptions: /issues/HRB-1',
    'comments: /issues/HRB-3#comment-c',
    'all: /search?q=light',
  ]);
});

it('puts the issue whose key was typed before all', () => {
  const local = { projects: [project], issues: [row('HRB-1', 'One')], exact: true };
  expect(names(gather('hrb-1', local, answer()))).toEqual(['issues: /issues/HRB-1', 'projects: /projects/HRB']);
});

it('shows an issue that has the key elsewhere among the issues', () => {
  const local = { projects: [], issues: [], exact: false };
  expect(names(gather('OLD-7', local, answer(found('HRB-4', { named: true, text }))))[0]).toBe('issues: /issues/HRB-4');
});
