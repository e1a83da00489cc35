import { Scope } from './scope';
import { Signals } from './signals';
import type {
  Answer,
  Confirmed,
  Context,
  Draft,
  Entity,
  Entry,
  Mutation,
  Pending,
  Reader,
  Row,
  Snapshot,
} from './types';

/** Keys of {@link Replica.signals}. */
export const key = {
  scopes: 'scopes',
  pending: 'pending',
  entity: (entity: string) => `e ${entity}`,
  table: (scope: string, entity: string) => `t ${scope} ${entity}`,
  group: (scope: string, entity: string, index: string, group: string) => `g ${scope} ${entity} ${index} ${group}`,
  detail: (entity: string, id: string) => `d ${entity} ${id}`,
};

/**
 * What the client knows: the scopes with their rows, the mutations that wait over them, and the details that were
 * loaded. No network and no storage; everything is synchronous, and listeners hear of a change once it is whole.
 */
export class Replica {
  readonly signals = new Signals();
  readonly #entities: ReadonlyMap<string, Entity>;
  readonly #mutations: ReadonlyMap<string, Mutation<never>>;
  readonly #scopes = new Map<string, Scope>();
  readonly #details = new Map<string, Record<string, unknown>>();
  /** Temporary id: the server's. */
  readonly #aliases = new Map<string, string>();
  #pending: Pending[] = [];
  /** Mutations whose log entry has arrived: the rows have them, the answer is still to come. */
  readonly #seen = new Set<string>();

  constructor(entities: readonly Entity[], mutations: readonly Mutation<never>[]) {
    this.#entities = new Map(entities.map((entity) => [entity.name, entity]));
    this.#mutations = new Map(mutations.map((mutation) => [mutation.name, mutation]));
  }

  // Reading

  scope(name: string): Scope | undefined {
    return this.#scopes.get(name);
  }

  scopes(): Iterable<Scope> {
    return this.#scopes.values();
  }

  pending(): readonly Pending[] {
    return this.#pending;
  }

  mutation(name: string): Mutation<never> | undefined {
    return this.#mutations.get(name);
  }

  /** Reads over all scopes; ids of a row are looked up in one scope after the other. */
  readonly reader: Reader = {
    get: (entity, id) => {
      for (const scope of this.#scopes.values()) {
        const row = scope.get(entity, id);
        if (row) return row;
      }
      return undefined;
    },
    all: (entity) => [...this.#scopes.values()].flatMap((scope) => scope.all(entity)),
    group: (entity, index, group) => [...this.#scopes.values()].flatMap((scope) => scope.group(entity, index, group)),
  };

  readonly confirmed: Confirmed = {
    get: <R extends Row>(entity: Entity<R>, id: string) => {
      for (const scope of this.#scopes.values()) {
        const row = scope.table(entity.name)?.base().get(id);
        if (row) return row as R;
      }
      return undefined;
    },
  };

  detail(entity: string, id: string): Readonly<Record<string, unknown>> | undefined {
    return this.#details.get(`${entity} ${id}`);
  }

  /** The server's id for a temporary one, or the id as it is. */
  real(id: string): string {
    return this.#aliases.get(id) ?? id;
  }

  /** Arguments that may speak of temporary ids, with the server's ids in their place. */
  resolve<A>(args: A): A {
    let value: unknown = args;
    for (const [temporary, id] of this.#aliases) value = replaced(value, temporary, id);
    return value as A;
  }

  // What the server says

  /** Shows what is there of a snapshot that is still arriving; the scope is filled when the rest is here. */
  begin({ scope, entities }: Snapshot): void {
    this.#need(scope).fill(entities);
    this.replay(scope);
  }

  /** Adds a page to what begin showed. Rows that are newer here stay. */
  more({ scope, entities }: Snapshot): void {
    this.#need(scope).more(entities);
    this.replay(scope);
  }

  /** All pages are here; the log is to be followed from seq. */
  whole(name: string, epoch: string, seq: number): void {
    this.#need(name).whole(epoch, seq);
    this.signals.emit(key.scopes);
  }

  load(snapshot: Snapshot): void {
    this.#need(snapshot.scope).load(snapshot.epoch, snapshot.seq, snapshot.entities);
    this.replay(snapshot.scope);
    this.signals.emit(key.scopes);
  }

  /** Applies entries of one scope, in order; false when one before them is missing. */
  apply(name: string, entries: readonly Entry[]): boolean {
    const scope = this.#scopes.get(name);
    if (!scope?.filled) return false;
    let whole = true;
    for (const entry of entries) {
      if (!(whole = scope.apply(entry))) break;
      this.#recognise(entry);
    }
    this.replay(name);
    return whole;
  }

  /** Drops a scope with all it held. */
  purge(name: string): void {
    const scope = this.#scopes.get(name);
    if (!scope) return;
    for (const table of scope.tables()) {
      for (const row of table.all()) this.#details.delete(`${table.entity.name} ${row.id}`);
      table.load([]);
    }
    this.#settle(scope);
    this.#scopes.delete(name);
    this.signals.emit(key.scopes);
  }

  setDetail(entity: string, id: string, fields: Record<string, unknown> | null): void {
    const at = `${entity} ${id}`;
    if (fields) this.#details.set(at, { ...this.#details.get(at), ...fields });
    else this.#details.delete(at);
    this.signals.emit(key.detail(entity, id));
  }

  // What the user does

  /** Puts a mutation over the rows. */
  add(pending: Pending): void {
    if (this.#pending.some(({ tx }) => tx === pending.tx)) return;
    this.#pending = [...this.#pending, pending];
    this.replay(pending.scope);
    this.signals.emit(key.pending);
  }

  /** The server did it: its rows take the place of what was shown, without a moment between. */
  answered(tx: string, answer: Answer): void {
    const pending = this.#take(tx);
    if (!pending) return;
    const scope = this.#scopes.get(pending.scope);
    const creates = this.#mutations.get(pending.name)?.creates;
    for (const { entity, row } of answer.rows ?? []) {
      scope?.accept(entity, row);
      if (entity === creates) this.#alias(tx, row.id);
    }
    for (const { entity, id } of answer.gone ?? []) scope?.forget(entity, id);
    this.replay(pending.scope);
    this.signals.emit(key.pending);
  }

  /** The server refused: what was shown goes back; later mutations stay over it. */
  refused(tx: string): void {
    const pending = this.#take(tx);
    if (!pending) return;
    this.replay(pending.scope);
    this.signals.emit(key.pending);
  }

  // Inside

  #need(name: string): Scope {
    let scope = this.#scopes.get(name);
    if (!scope) {
      scope = new Scope(name, this.#entities, (entity, id, fields) => this.#onDetail(entity, id, fields));
      this.#scopes.set(name, scope);
    }
    return scope;
  }

  /** Entries carry details of rows that nobody opened: those are not kept. */
  #onDetail(entity: string, id: string, fields: Record<string, unknown> | null): void {
    if (!fields || this.#details.has(`${entity} ${id}`)) this.setDetail(entity, id, fields);
  }

  #take(tx: string): Pending | undefined {
    const pending = this.#pending.find((candidate) => candidate.tx === tx);
    if (pending) this.#pending = this.#pending.filter((candidate) => candidate !== pending);
    this.#seen.delete(tx);
    return pending;
  }

  #recognise(entry: Entry): void {
    const pending = this.#pending.find(({ tx, actor }) => tx === entry.tx && actor === entry.actor);
    if (!pending || pending.scope !== entry.scope) return;
    this.#seen.add(pending.tx);
    const creates = this.#mutations.get(pending.name)?.creates;
    const made = entry.changes.find(({ entity, op }) => op === 'create' && entity === creates);
    if (made) this.#alias(pending.tx, made.id);
  }

  /** Later mutations speak of the row by the server's id from now on. */
  #alias(temporary: string, id: string): void {
    if (this.#aliases.get(temporary) === id) return;
    this.#aliases.set(temporary, id);
    this.#pending = this.#pending.map((pending) => ({ ...pending, args: replaced(pending.args, temporary, id) }));
  }

  /** Puts the mutations that wait over the rows anew, and tells listeners. */
  replay(name: string): void {
    const scope = this.#scopes.get(name);
    if (!scope) return;
    for (const table of scope.tables()) table.bare();
    for (const pending of this.#pending) {
      if (pending.scope !== name || this.#seen.has(pending.tx)) continue;
      const mutation = this.#mutations.get(pending.name) as Mutation<unknown> | undefined;
      mutation?.apply?.(scope as Draft, pending.args, pending satisfies Context);
    }
    this.#settle(scope);
  }

  /** Tells listeners what changed since the last time. */
  #settle(scope: Scope): void {
    const touched: string[] = [];
    for (const table of scope.tables()) {
      const groups = table.take();
      if (!groups) continue;
      const name = table.entity.name;
      touched.push(key.entity(name), key.table(scope.name, name));
      for (const { index, group } of groups) touched.push(key.group(scope.name, name, index, group));
    }
    for (const signal of touched) this.signals.emit(signal);
  }
}

/** A copy of plain values with one string changed wherever it stands. */
export function replaced(value: unknown, from: string, to: string): unknown {
  if (value === from) return to;
  if (Array.isArray(value)) return value.map((item) => replaced(item, from, to));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, replaced(item, from, to)]));
}
