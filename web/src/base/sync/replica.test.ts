import { beforeEach, describe, expect, test, vi } from 'vitest';
import { card, cards, create, entry, mutations, pending, remove, SCOPE, snapshot, update } from './fixture';
import { key, Replica, replaced } from './replica';

const { edit, add, drop } = mutations({ send: () => Promise.resolve({}) });
let replica: Replica;
const get = (id: string) => replica.scope(SCOPE)?.get(cards, id);
const column = (name: string) => replica.scope(SCOPE)?.group(cards, 'column', name);

beforeEach(() => {
  replica = new Replica([cards as never], [edit as never, add as never, drop as never]);
  replica.load(snapshot([card('a'), card('b'), card('c', { column: 'done' })]));
});

describe('the log', () => {
  test('changes rows in order', () => {
    const entries = [
      entry(11, [update('a', { title: 'First', version: 2 })]),
      entry(12, [update('a', { column: 'done', rank: 'z', version: 3 }), create(card('d'))]),
      entry(13, [remove('b')]),
    ];
    expect(replica.apply(SCOPE, entries)).toBe(true);
    expect(get('a')).toMatchObject({ title: 'First', column: 'done', version: 3 });
    expect(column('done')).toEqual(['c', 'a']);
    expect(column('open')).toEqual(['d']);
    expect(replica.scope(SCOPE)?.seq).toBe(13);
  });

  test('twice is the same as once, and a gap is refused with what came before it kept', () => {
    replica.apply(SCOPE, [entry(11, [update('a', { title: 'X', version: 2 })])]);
    expect(replica.apply(SCOPE, [entry(11, [update('a', { title: 'Y', version: 9 })])])).toBe(true);
    expect(get('a')?.title).toBe('X');
    const gapped = [entry(12, [update('a', { title: 'Z', version: 3 })]), entry(14, [remove('a')])];
    expect(replica.apply(SCOPE, gapped)).toBe(false);
    expect(get('a')?.title).toBe('Z');
    expect(replica.scope(SCOPE)?.seq).toBe(12);
  });

  test('of rows and entities that are not known does no harm', () => {
    const strange = { entity: 'moon', id: 'm', op: 'create', patch: { id: 'm' } } as const;
    expect(replica.apply(SCOPE, [entry(11, [update('nobody', { title: 'X' }), remove('nobody'), strange])])).toBe(true);
    expect(replica.scope(SCOPE)?.all(cards)).toHaveLength(3);
    expect(replica.apply('project:unknown', [entry(1, [])])).toBe(false);
  });

  test('rows cannot be changed by readers', () => {
    expect(() => ((get('a') as { title: string }).title = 'X')).toThrow(TypeError);
  });
});

describe('a pending mutation', () => {
  test('shows at once, and a change of another field merges under it', () => {
    replica.add(pending('t1', 'card.edit', { id: 'a', patch: { column: 'done', rank: 'z' } }));
    expect(column('done')).toEqual(['c', 'a']);
    replica.apply(SCOPE, [entry(11, [update('a', { title: 'Theirs', version: 2 })])]);
    expect(get('a')).toMatchObject({ title: 'Theirs', column: 'done' });
    expect(column('open')).toEqual(['b']);
  });

  test('gives way to its own log entry without a moment between', () => {
    const seen: (string | undefined)[] = [];
    replica.add(pending('t1', 'card.edit', { id: 'a', patch: { title: 'Mine' } }));
    replica.signals.on(key.table(SCOPE, 'card'), () => seen.push(get('a')?.title));
    replica.apply(SCOPE, [entry(11, [update('a', { title: 'Mine', version: 2 })], { tx: 't1', actor: 'ada' })]);
    replica.answered('t1', { rows: [{ entity: 'card', row: card('a', { title: 'Mine', version: 2 }) }] });
    expect(new Set(seen)).toEqual(new Set(['Mine']));
    expect(replica.pending()).toEqual([]);
  });

  test('gives way to its answer, and older entries that come later do not go back', () => {
    replica.add(pending('t1', 'card.edit', { id: 'a', patch: { title: 'Mine' } }));
    replica.answered('t1', { rows: [{ entity: 'card', row: card('a', { title: 'Mine', version: 3 }) }] });
    replica.apply(SCOPE, [entry(11, [update('a', { title: 'Older', version: 2 })])]);
    expect(get('a')).toMatchObject({ title: 'Mine', version: 3 });
    replica.apply(SCOPE, [entry(12, [update('a', { title: 'Mine', version: 3 })], { tx: 't1', actor: 'ada' })]);
    replica.apply(SCOPE, [entry(13, [update('a', { title: 'Newer', version: 4 })])]);
    expect(get('a')?.title).toBe('Newer');
  });

  test('that is refused goes back to the server’s row, and later ones stay', () => {
    replica.add(pending('t1', 'card.edit', { id: 'a', patch: { column: 'done' } }));
    replica.add(pending('t2', 'card.edit', { id: 'a', patch: { title: 'Z' } }));
    replica.refused('t1');
    expect(get('a')).toMatchObject({ column: 'open', title: 'Z' });
    expect(column('open')).toEqual(['a', 'b']);
  });

  test('of a row that was deleted elsewhere shows nothing', () => {
    replica.add(pending('t1', 'card.edit', { id: 'a', patch: { title: 'Z' } }));
    replica.apply(SCOPE, [entry(11, [remove('a')])]);
    expect(get('a')).toBeUndefined();
    replica.refused('t1');
    expect(get('a')).toBeUndefined();
  });

  test('lives through a new snapshot', () => {
    replica.add(pending('t1', 'card.edit', { id: 'a', patch: { title: 'Mine' } }));
    replica.load(snapshot([card('a', { title: 'Fresh', rank: 'q', version: 9 })], 90));
    expect(get('a')).toMatchObject({ title: 'Mine', rank: 'q' });
    expect(get('b')).toBeUndefined();
  });

  test('with the tx of another person is not taken for ours', () => {
    replica.add(pending('t1', 'card.edit', { id: 'a', patch: { title: 'Mine' } }));
    replica.apply(SCOPE, [entry(11, [update('a', { title: 'Theirs', version: 2 })], { tx: 't1', actor: 'eve' })]);
    expect(get('a')?.title).toBe('Mine');
  });
});

describe('a created row', () => {
  test('shows under its temporary id, which gives way to the server’s; later mutations follow', () => {
    replica.add(pending('t1', 'card.add', { title: 'New' }));
    replica.add(pending('t2', 'card.edit', { id: 't1', patch: { title: 'Better' } }));
    expect(get('t1')?.title).toBe('Better');
    replica.answered('t1', { rows: [{ entity: 'card', row: card('real', { title: 'New', rank: '0' }) }] });
    expect(get('t1')).toBeUndefined();
    expect(get('real')?.title).toBe('Better');
    expect(replica.pending()[0]?.args).toEqual({ id: 'real', patch: { title: 'Better' } });
    expect(replica.real('t1')).toBe('real');
    expect(replica.resolve({ id: 't1', list: ['t1', 'x'] })).toEqual({ id: 'real', list: ['real', 'x'] });
  });

  test('is never shown twice when the log is faster than the answer', () => {
    replica.add(pending('t1', 'card.add', { title: 'New' }));
    const made = card('real', { title: 'New', rank: '0' });
    replica.apply(SCOPE, [entry(11, [create(made)], { tx: 't1', actor: 'ada' })]);
    expect(column('open')).toEqual(['real', 'a', 'b']);
    replica.answered('t1', { rows: [{ entity: 'card', row: made }] });
    expect(column('open')).toEqual(['real', 'a', 'b']);
  });

  test('that is deleted before the log catches up does not come back', () => {
    replica.add(pending('t1', 'card.drop', { id: 'a' }));
    replica.answered('t1', { gone: [{ entity: 'card', id: 'a' }] });
    replica.apply(SCOPE, [entry(11, [create(card('a'))])]);
    expect(get('a')).toBeUndefined();
    replica.apply(SCOPE, [entry(12, [remove('a')], { tx: 't1', actor: 'ada' })]);
    expect(get('a')).toBeUndefined();
  });
});

describe('details', () => {
  test('stay out of rows, and follow the log only when they were loaded', () => {
    replica.apply(SCOPE, [entry(11, [update('a', { text: 'long', version: 2 })])]);
    expect(get('a')).not.toHaveProperty('text');
    expect(replica.detail('card', 'a')).toBeUndefined();
    replica.setDetail('card', 'a', { text: 'long' });
    replica.apply(SCOPE, [entry(12, [update('a', { text: 'longer', version: 3 })])]);
    expect(replica.detail('card', 'a')).toEqual({ text: 'longer' });
    replica.apply(SCOPE, [entry(13, [remove('a')])]);
    expect(replica.detail('card', 'a')).toBeUndefined();
  });
});

describe('listeners', () => {
  test('hear of their own group only, once per change', () => {
    const open = vi.fn();
    const done = vi.fn();
    replica.signals.on(key.group(SCOPE, 'card', 'column', 'open'), open);
    const stop = replica.signals.on(key.group(SCOPE, 'card', 'column', 'done'), done);
    replica.apply(SCOPE, [entry(11, [update('a', { title: 'X', version: 2 })])]);
    expect(open).not.toHaveBeenCalled();
    replica.apply(SCOPE, [entry(12, [create(card('d'))]), entry(13, [create(card('e'))])]);
    expect(open).toHaveBeenCalledTimes(1);
    expect(done).not.toHaveBeenCalled();
    stop();
    replica.apply(SCOPE, [entry(14, [update('a', { column: 'done', version: 3 })])]);
    expect(open).toHaveBeenCalledTimes(2);
    expect(done).not.toHaveBeenCalled();
  });

  test('hear of a purge, after which nothing is left', () => {
    const heard = vi.fn();
    replica.setDetail('card', 'a', { text: 'secret' });
    replica.signals.on(key.table(SCOPE, 'card'), heard);
    replica.purge(SCOPE);
    expect(heard).toHaveBeenCalled();
    expect(replica.reader.all(cards)).toEqual([]);
    expect(replica.detail('card', 'a')).toBeUndefined();
    expect([...replica.scopes()]).toEqual([]);
  });
});

test('of a hundred thousand rows a change touches its own lists only', () => {
  const many = Array.from({ length: 100_000 }, (_, i) =>
    card(`id${i}`, { rank: String(i % 977), column: `c${i % 4}` }),
  );
  replica.load(snapshot(many));
  const [from, to, others] = [column('c1')!, column('c0')!, [column('c2'), column('c3')]];
  replica.apply(SCOPE, [entry(11, [update('id1', { column: 'c0', rank: '5', version: 2 })])]);
  expect(column('c0')).toHaveLength(to.length + 1);
  expect(column('c1')).toHaveLength(from.length - 1);
  expect([column('c2'), column('c3')].every((list, i) => list === others[i])).toBe(true);
  expect(to).toHaveLength(25_000);
});

test('replaced changes a string wherever it stands and nothing else', () => {
  const value = { id: 'x', list: ['x', 'xy', { deep: 'x' }], n: 1, none: null };
  expect(replaced(value, 'x', 'y')).toEqual({ id: 'y', list: ['y', 'xy', { deep: 'y' }], n: 1, none: null });
  expect(value.id).toBe('x');
});
