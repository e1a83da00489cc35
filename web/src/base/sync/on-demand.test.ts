import { beforeEach, describe, expect, test } from 'vitest';
import { card, cards, entry, pending, remove, SCOPE, snapshot } from './fixture';
import { fill, more as moreOf, type Part } from './on-demand';
import { Replica } from './replica';
import type { Change, Entity, Mutation } from './types';

interface Remark {
  readonly id: string;
  readonly card: string;
  readonly text: string;
  readonly version: number;
}

const remarks: Entity<Remark> = {
  name: 'remark',
  schema: 1,
  onDemand: { index: 'card', of: cards.name },
  indexes: { card: { group: ({ card: of }) => of, sort: ({ id }) => id } },
};

const say: Mutation<{ card: string }> = {
  name: 'remark.say',
  creates: remarks.name,
  scope: () => SCOPE,
  apply: (draft, args, { tx }) => draft.put(remarks, { id: tx, card: args.card, text: 'mine', version: 0 }),
  send: () => Promise.resolve({}),
};

const remark = (id: string, fields: Partial<Remark> = {}): Remark => ({
  ...{ id, card: 'a', text: id, version: 1 },
  ...fields,
});
const made = (row: Remark): Change => ({ entity: 'remark', id: row.id, op: 'create', patch: { ...row } });
const changed = (id: string, patch: Partial<Remark>): Change => ({ entity: 'remark', id, op: 'update', patch });
const gone = (id: string): Change => ({ entity: 'remark', id, op: 'delete', patch: {} });

let replica: Replica;
let seq = 10;
const happens = (...changes: Change[]) => expect(replica.apply(SCOPE, [entry(++seq, changes)])).toBe(true);
const shown = (of = 'a') =>
  replica
    .scope(SCOPE)!
    .group(remarks, 'card', of)
    .map((id) => replica.scope(SCOPE)!.get(remarks, id)!.text);
const more = () => moreOf(replica, SCOPE, remarks, 'a');

/** Reads a part that the server answers when it is told to. */
function reading(of = 'a'): {
  answer: (part: Part<Remark>) => Promise<void>;
  lose: () => Promise<void>;
  asked: () => number;
} {
  let asked = 0;
  let resolve!: (part: Part<Remark>) => void;
  let reject!: (reason: unknown) => void;
  const done = fill(replica, SCOPE, remarks, of, () => {
    asked++;
    return new Promise<Part<Remark>>((...both) => ([resolve, reject] = both));
  });
  done.catch(() => undefined);
  return {
    answer: async (part) => (resolve(part), void (await Promise.race([done, new Promise((next) => setTimeout(next))]))),
    lose: async () => (reject(new Error('lost')), expect(done).rejects.toThrow('lost')),
    asked: () => asked,
  };
}

beforeEach(() => {
  seq = 10;
  replica = new Replica([cards as never, remarks as never], [say as never]);
  replica.load(snapshot([card('a'), card('b')]));
});

describe('rows that are read on demand', () => {
  test('are held in the groups that were read, and no others', async () => {
    happens(made(remark('1')));
    expect([shown(), more()]).toEqual([[], undefined]);
    await reading().answer({ rows: [remark('1')], more: true });
    happens(made(remark('2')), made(remark('3', { card: 'b' })), changed('1', { text: 'one', version: 2 }));
    expect([shown(), shown('b'), more()]).toEqual([['one', '2'], [], true]);
    await reading().answer({ rows: [remark('0')], more: false });
    expect([shown(), more()]).toEqual([['0', 'one', '2'], false]);
    happens(gone('1'));
    expect(shown()).toEqual(['0', '2']);
  });

  test('are as the log says, when it overtakes what is being read', async () => {
    const read = reading();
    happens(changed('1', { text: 'one', version: 2 }), changed('1', { version: 3 }), gone('2'), made(remark('3')));
    happens(changed('4', { text: 'older', version: 1 }));
    await read.answer({ rows: [remark('1'), remark('2'), remark('4', { version: 2 })], more: false });
    expect(shown()).toEqual(['one', '3', '4']);
    expect(replica.scope(SCOPE)!.get(remarks, '1')!.version).toBe(3);
  });

  test('are as they were read, when that is newer than the log', async () => {
    await reading().answer({ rows: [remark('1', { version: 3 })], more: false });
    happens(made(remark('1')), changed('1', { text: 'old', version: 2 }));
    expect(shown()).toEqual(['1']);
  });

  test('are read again when everything was loaded anew meanwhile', async () => {
    const read = reading();
    replica.load(snapshot([card('a')], 20));
    await read.answer({ rows: [remark('old')], more: false });
    expect([shown(), more(), read.asked()]).toEqual([[], undefined, 2]);
    await read.answer({ rows: [remark('new')], more: false });
    expect([shown(), more()]).toEqual([['new'], false]);
  });

  test('are not there any more when everything was loaded anew', async () => {
    await reading().answer({ rows: [remark('1')], more: false });
    replica.load(snapshot([card('a')], 20));
    expect([shown(), more()]).toEqual([[], undefined]);
  });

  test('go with the row that they hang on, whoever says so', async () => {
    await reading().answer({ rows: [remark('1')], more: false });
    const read = reading();
    happens(remove('a'));
    await read.answer({ rows: [remark('0')], more: false });
    expect([shown(), more()]).toEqual([[], undefined]);
    await reading('b').answer({ rows: [remark('2', { card: 'b' })], more: false });
    replica.add(pending('t1', 'remark.say', { card: 'b' }));
    replica.answered('t1', { gone: [{ entity: 'card', id: 'b' }] });
    expect(shown('b')).toEqual([]);
  });

  test('of which one could not be read follow the log from then on', async () => {
    const read = reading();
    await read.lose();
    happens(made(remark('1')));
    expect([shown(), more()]).toEqual([['1'], undefined]);
  });

  test('that wait to be sent show before anything was read', () => {
    replica.add(pending('t1', 'remark.say', { card: 'a' }));
    expect(shown()).toEqual(['mine']);
  });

  test('of a scope that is not here are not asked for', async () => {
    await fill(replica, 'project:unknown', remarks, 'a', () => Promise.reject(new Error('asked')));
    expect(replica.scope('project:unknown')).toBeUndefined();
  });
});
