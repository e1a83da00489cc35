/** Cards on a board: the entity and the mutations that the engine's tests are about. */
import type { Answer, Change, Entity, Entry, Mutation, Pending, Snapshot } from './types';

export interface Card {
  readonly id: string;
  readonly title: string;
  readonly column: string;
  readonly rank: string;
  readonly version: number;
  readonly text?: string;
}

export const cards: Entity<Card> = {
  name: 'card',
  schema: 1,
  detail: ['text'],
  indexes: { column: { group: ({ column }) => column, sort: ({ rank }) => rank } },
};

export const SCOPE = 'project:1';

export function card(id: string, fields: Partial<Card> = {}): Card {
  return { id, title: id.toUpperCase(), column: 'open', rank: id, version: 1, ...fields };
}

export function snapshot(rows: Card[], seq = 10, scope = SCOPE, epoch = 'e1'): Snapshot {
  return { scope, epoch, seq, entities: { card: rows.map((row) => ({ ...row })) } };
}

export function entry(seq: number, changes: Change[], fields: Partial<Entry> = {}): Entry {
  return { scope: SCOPE, seq, tx: `other-${seq}`, at: '2026-01-01T00:00:00Z', actor: 'bob', changes, ...fields };
}

export function update(id: string, patch: Record<string, unknown>): Change {
  return { entity: 'card', id, op: 'update', patch };
}

export function create(row: Card): Change {
  return { entity: 'card', id: row.id, op: 'create', patch: { ...row } };
}

export const remove = (id: string): Change => ({ entity: 'card', id, op: 'delete', patch: {} });

/** Where sends go in a test; set its answer, or let the test's server decide. */
export interface Sink {
  send(name: string, args: unknown, tx: string): Promise<Answer>;
}

export interface Edit {
  id: string;
  patch: Partial<Card>;
  scope?: string;
}

export function mutations(sink: Sink) {
  const edit: Mutation<Edit> = {
    name: 'card.edit',
    scope: ({ scope = SCOPE }) => scope,
    apply: (draft, { id, patch }) => draft.patch(cards, id, patch),
    send: (_api, args, { tx }) => sink.send('card.edit', args, tx),
    inverse: (read, { id, patch }) => {
      const before = read.get(cards, id);
      if (!before) return null;
      const back = Object.keys(patch).map((field) => [field, before[field as keyof Card]]);
      return { mutation: edit as Mutation<never>, args: { id, patch: Object.fromEntries(back) } as never };
    },
    text: ({ patch }) => patch.text ?? '',
  };
  const add: Mutation<{ title: string }> = {
    name: 'card.add',
    creates: 'card',
    scope: () => SCOPE,
    apply: (draft, { title }, { tx }) => draft.put(cards, card(tx, { title, rank: '0', version: 0 })),
    send: (_api, args, { tx }) => sink.send('card.add', args, tx),
  };
  const drop: Mutation<{ id: string }> = {
    name: 'card.drop',
    scope: () => SCOPE,
    apply: (draft, { id }) => draft.remove(cards, id),
    send: (_api, args, { tx }) => sink.send('card.drop', args, tx),
  };
  return { edit, add, drop };
}

export function pending(tx: string, name: string, args: unknown, fields: Partial<Pending> = {}): Pending {
  return { tx, name, args, scope: SCOPE, actor: 'ada', at: new Date().toISOString(), tab: 'tab', ...fields };
}
