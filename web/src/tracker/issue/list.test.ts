import { describe, expect, it } from 'vitest';
import { formatQuery, NOBODY, parseQuery, select, sortedBy, type Listed, type ListQuery, type Lookup } from './list';

function row(number: number, fields: Partial<Listed> = {}): Listed {
  return {
    id: `i${number}`,
    key: `HRB-${number}`,
    number,
    title: `Issue ${number}`,
    statusId: 'open',
    priority: 'medium',
    assigneeId: null,
    effort: null,
    dueOn: null,
    updatedAt: '2026-01-01T00:00:00Z',
    ...fields,
  };
}

const lookup: Lookup = {
  status: (id) => ({ category: id === 'done' ? 'done' : 'open', rank: 'a' }),
  personName: (id) => ({ ao: 'Amara', ky: 'Kenji' })[id],
};
const any = parseQuery(new URLSearchParams());
const numbers = (rows: Listed[], query: Partial<ListQuery>) =>
  select(rows, { ...any, ...query }, lookup).map(({ number }) => number);

describe('the list', () => {
  it('finds by key and by words of the title, whatever their case, accents and order', () => {
    const rows = [row(1, { title: 'Café opens late' }), row(2, { title: 'Late opening' }), row(12)];
    expect(numbers(rows, { text: 'late CAFE' })).toEqual([1]);
    expect(numbers(rows, { text: 'hrb-12' })).toEqual([12]);
  });

  it('filters by status, priority and assignee together', () => {
    const rows = [row(1, { statusId: 'done' }), row(2, { assigneeId: 'ao' }), row(3, { priority: 'urgent' })];
    expect(numbers(rows, { statusId: 'open' })).toEqual([3, 2]);
    expect(numbers(rows, { statusId: 'open', assigneeId: NOBODY })).toEqual([3]);
    expect(numbers(rows, { priority: 'urgent', assigneeId: 'ao' })).toEqual([]);
  });

  it('sorts numbers as numbers and puts rows without a value last, in both directions', () => {
    const rows = [row(2, { effort: 3 }), row(10), row(9, { effort: 13 })];
    expect(numbers(rows, { sort: 'number', descending: false })).toEqual([2, 9, 10]);
    expect(numbers(rows, { sort: 'effort', descending: true })).toEqual([9, 2, 10]);
    expect(numbers(rows, { sort: 'effort', descending: false })).toEqual([2, 9, 10]);
  });

  it('sorts by urgency, by category and by name', () => {
    const rows = [
      row(1, { priority: 'low', assigneeId: 'ky' }),
      row(2, { priority: 'urgent', statusId: 'done', assigneeId: 'ao' }),
    ];
    expect(numbers(rows, { sort: 'priority', descending: false })).toEqual([2, 1]);
    expect(numbers(rows, { sort: 'status', descending: false })).toEqual([1, 2]);
    expect(numbers(rows, { sort: 'assignee', descending: false })).toEqual([2, 1]);
  });

  it('keeps the query in the address and ignores what it does not know', () => {
    const query: ListQuery = { ...any, text: 'a b', statusId: 's', sort: 'due', descending: true };
    expect(parseQuery(new URLSearchParams(formatQuery(query)))).toEqual(query);
    expect(formatQuery(any)).toBe('');
    expect(parseQuery(new URLSearchParams('sort=nonsense&priority=grave'))).toMatchObject({
      sort: 'number',
      priority: null,
    });
  });

  it('turns the direction with a second press', () => {
    const once = sortedBy(any, 'title');
    expect([once.sort, once.descending]).toEqual(['title', false]);
    expect(sortedBy(once, 'title').descending).toBe(true);
  });
});
