import { expect, it } from 'vitest';
import type { Listed } from '../issue/parts';
import { find, recent } from './local';

const row = (key: string, title: string): Listed => ({
  id: key,
  key,
  number: Number(key.split('-')[1]),
  title,
  statusId: 's',
  priority: 'medium',
  assigneeId: null,
  effort: null,
  dueOn: null,
  updatedAt: '2026-01-01T00:00:00Z',
});
const projects = [{ id: 'p', key: 'HRB', name: 'Harbor' }];
const issues = [row('HRB-12', 'Harbor lights'), row('HRB-1', 'Show the lights'), row('HRB-120', 'Delights')];
const keys = (typed: string) => {
  const found = find(typed, projects, issues);
  return [...found.projects, ...found.issues].map(({ key }) => key);
};

it('offers the projects before anything is typed', () => expect(keys('')).toEqual(['HRB']));
it('puts an exact key first', () => {
  expect(find('hrb-1', projects, issues).issues[0]?.key).toBe('HRB-1');
  expect([find('hrb-1', projects, issues).exact, find('hrb', projects, issues).exact]).toEqual([true, false]);
});
it('takes a bare number for a key', () => expect(keys('120')).toEqual(['HRB-120']));
it('prefers beginnings of words', () => expect(keys('lights')).toEqual(['HRB-12', 'HRB-1', 'HRB-120']));
it('needs every word, in any order, with or without quotes', () => {
  expect(keys('lights show')).toEqual(['HRB-1']);
  expect(keys('"show the lights"')).toEqual(['HRB-1']);
});
it('finds projects by name too', () => expect(keys('harb')).toEqual(['HRB', 'HRB-12']));
it('finds nothing for what is not there', () => expect(keys('zzz')).toEqual([]));
it('knows what was changed last, newest first', () => {
  const days = [3, 9, 1, 7, 5, 2, 8, 4, 6];
  const rows = days.map((day) => ({ ...row(`HRB-${day}`, 'x'), updatedAt: `2026-01-0${day}T00:00:00Z` }));
  expect(recent(rows).map(({ number }) => number)).toEqual([9, 8, 7, 6, 5, 4]);
  expect(recent(rows.slice(0, 2)).map(({ number }) => number)).toEqual([9, 3]);
});
