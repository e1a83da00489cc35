import { expect, it } from 'vitest';
import { find } from './jump';
import type { Listed } from './list';

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
const hrefs = (typed: string) => find(typed, projects, issues).map(({ href }) => href);

it('offers the projects before anything is typed', () => expect(hrefs('')).toEqual(['/projects/HRB']));
it('puts an exact key first', () => expect(hrefs('hrb-1')[0]).toBe('/issues/HRB-1'));
it('takes a bare number for a key', () => expect(hrefs('120')[0]).toBe('/issues/HRB-120'));
it('prefers beginnings of words', () =>
  expect(hrefs('lights')).toEqual(['/issues/HRB-12', '/issues/HRB-1', '/issues/HRB-120']));
it('finds projects by name too', () => expect(hrefs('harb')).toEqual(['/projects/HRB', '/issues/HRB-12']));
it('finds nothing for what is not there', () => expect(hrefs('zzz')).toEqual([]));
