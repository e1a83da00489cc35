import { deleteDatabase, openDatabase, result, transact } from '../idb';
import type { Entity, Entry, Row, Snapshot } from '../sync';

const NAME = 'peisear.cache';
/** Rows per stored object: 100,000 rows load in a tenth of a second, row by row it takes seven times as long. */
const CHUNK = 500;

interface Head {
  scope: string;
  epoch: string;
  seq: number;
  /** Chunks per entity. */
  chunks: Record<string, number>;
}

interface Chunk {
  scope: string;
  entity: string;
  n: number;
  rows: Row[];
}

/** What the cache had of a scope: rows of some moment and the entries since then. */
export interface Cached {
  snapshot: Snapshot;
  entries: Entry[];
}

/** Which rows a scope has, for folding. */
export interface Source {
  epoch: string;
  seq: number;
  tables(): Iterable<{ entity: Entity; base(): ReadonlyMap<string, Row> }>;
}

/**
 * The rows of all scopes over reloads. A snapshot is stored in chunks; what happens after it goes to a log that is
 * folded into the chunks when there is time. Another schema than the one that wrote it finds it empty.
 */
export class StoredCache {
  readonly #db: IDBDatabase;
  readonly #schema: string;
  /** The chunk counts of stored scopes, and the ids that the log changed since. */
  readonly #heads = new Map<string, Head>();
  readonly #dirty = new Map<string, Map<string, Set<string>>>();
  /** How far each stored scope is kept, with its log. */
  readonly #kept = new Map<string, number>();

  private constructor(db: IDBDatabase, schema: string) {
    this.#db = db;
    this.#schema = schema;
  }

  static async open(user: string, schema: string): Promise<StoredCache> {
    const db = await openDatabase(`${NAME}.${user}`, 1, (fresh) => {
      fresh.createObjectStore('meta');
      fresh.createObjectStore('scope', { keyPath: 'scope' });
      fresh.createObjectStore('chunk', { keyPath: ['scope', 'entity', 'n'] });
      fresh.createObjectStore('log', { keyPath: ['scope', 'seq'] });
    });
    return new StoredCache(db, schema);
  }

  /** Everything that is kept, for the start; comes before all else. What another schema wrote is dropped. */
  async load(): Promise<Cached[]> {
    const [heads, entries, chunks] = await this.#learn(true);
    const cached = new Map<string, Cached>();
    for (const head of heads) {
      const { scope, epoch, seq } = head;
      const empty = Object.keys(head.chunks).map((entity) => [entity, [] as Row[]] as const);
      cached.set(scope, { snapshot: { scope, epoch, seq, entities: Object.fromEntries(empty) }, entries: [] });
    }
    for (const { scope, entity, rows } of chunks) {
      const into = cached.get(scope)?.snapshot.entities[entity] as Row[] | undefined;
      if (into) for (const row of rows) into.push(row);
    }
    for (const entry of entries) cached.get(entry.scope)?.entries.push(entry);
    return [...cached.values()];
  }

  /** Replaces what is kept of a scope. */
  async store({ scope, epoch, seq, entities }: Snapshot): Promise<void> {
    const head: Head = { scope, epoch, seq, chunks: {} };
    const chunks: Chunk[] = [];
    for (const [entity, rows] of Object.entries(entities)) {
      const lists = divided(rows, Math.max(1, Math.ceil(rows.length / CHUNK)));
      head.chunks[entity] = lists.length;
      lists.forEach((list, n) => chunks.push({ scope, entity, n, rows: list }));
    }
    await transact(this.#db, [...STORES, 'meta'], 'readwrite', (tx) => {
      tx.objectStore('meta').put(this.#schema, 'schema');
      clear(tx, scope);
      tx.objectStore('scope').put(head);
      for (const chunk of chunks) tx.objectStore('chunk').put(chunk);
    });
    this.#know(head);
    this.#dirty.delete(scope);
  }

  /** Adds entries to the log. */
  async append(entries: readonly Entry[]): Promise<void> {
    await transact(this.#db, 'log', 'readwrite', (tx) => {
      for (const entry of entries) tx.objectStore('log').put(entry);
    });
    for (const entry of entries) this.#note(entry);
  }

  /** How many rows of a scope the log changed since its chunks were written. */
  behind(scope: string): number {
    let count = 0;
    for (const ids of this.#dirty.get(scope)?.values() ?? []) count += ids.size;
    return count;
  }

  /**
   * How far each scope is kept, whoever wrote it. What other tabs have written is known from here on: how they divided
   * the chunks, and what stands in the log. What another schema wrote is dropped.
   */
  async takeOver(): Promise<Map<string, { epoch: string; seq: number }>> {
    const [heads] = await this.#learn(false);
    return new Map(heads.map(({ scope, epoch }) => [scope, { epoch, seq: this.#kept.get(scope)! }]));
  }

  /**
   * Writes the changed rows into their chunks and forgets the log. The source may be further than what was appended:
   * the chunks are then as of the log all the same, since the entries that follow put the same values once more.
   */
  async fold(scope: string, source: Source): Promise<void> {
    const head = this.#heads.get(scope);
    const dirty = this.#dirty.get(scope);
    if (!head || !dirty) return;
    const tables = [...source.tables()].filter(keeps);
    const entities = Object.fromEntries(tables.map((table) => [table.entity.name, [...table.base().values()]]));
    const fits = tables.every((table) => (head.chunks[table.entity.name] ?? 0) * CHUNK * 2 >= table.base().size);
    if (!fits) return this.store({ scope, epoch: source.epoch, seq: source.seq, entities });

    const chunks: Chunk[] = [];
    for (const [entity, ids] of dirty) {
      const count = head.chunks[entity] ?? 0;
      if (count === 0) continue;
      const touched = new Set([...ids].map((id) => place(id, count)));
      const lists = divided(entities[entity] ?? [], count);
      for (const n of touched) chunks.push({ scope, entity, n, rows: lists[n]! });
    }
    const next: Head = { ...head, seq: this.#kept.get(scope) ?? head.seq };
    await transact(this.#db, STORES, 'readwrite', (tx) => {
      for (const chunk of chunks) tx.objectStore('chunk').put(chunk);
      tx.objectStore('scope').put(next);
      tx.objectStore('log').delete(IDBKeyRange.bound([scope, 0], [scope, next.seq]));
    });
    this.#heads.set(scope, next);
    this.#dirty.delete(scope);
  }

  async drop(scope: string): Promise<void> {
    this.#heads.delete(scope);
    this.#dirty.delete(scope);
    this.#kept.delete(scope);
    await transact(this.#db, STORES, 'readwrite', (tx) => clear(tx, scope));
  }

  close(): void {
    this.#db.close();
  }

  static delete(user: string): Promise<void> {
    return deleteDatabase(`${NAME}.${user}`);
  }

  /** Reads how the scopes are kept, and the rows where they are asked for. */
  async #learn(whole: boolean): Promise<[Head[], Entry[], Chunk[]]> {
    const [schema, ...read] = await transact(this.#db, [...STORES, 'meta'], 'readonly', (tx) => {
      const all = <T>(store: string) => result(tx.objectStore(store).getAll() as IDBRequest<T[]>);
      return Promise.all([
        result(tx.objectStore('meta').get('schema') as IDBRequest<string | undefined>),
        all<Head>('scope'),
        all<Entry>('log'),
        whole ? all<Chunk>('chunk') : [],
      ]);
    });
    for (const known of [this.#heads, this.#kept, this.#dirty]) known.clear();
    if (schema === this.#schema) {
      read[0].forEach((head) => this.#know(head));
      read[1].forEach((entry) => this.#note(entry));
      return read;
    }
    if (schema !== undefined) await transact(this.#db, STORES, 'readwrite', clearAll);
    return [[], [], []];
  }

  #know(head: Head): void {
    this.#heads.set(head.scope, head);
    this.#kept.set(head.scope, head.seq);
  }

  #note(entry: Entry): void {
    this.#kept.set(entry.scope, Math.max(entry.seq, this.#kept.get(entry.scope) ?? 0));
    let entities = this.#dirty.get(entry.scope);
    if (!entities) this.#dirty.set(entry.scope, (entities = new Map()));
    for (const { entity, id } of entry.changes) {
      let ids = entities.get(entity);
      if (!ids) entities.set(entity, (ids = new Set()));
      ids.add(id);
    }
  }
}

const STORES = ['scope', 'chunk', 'log'];

function clearAll(tx: IDBTransaction): void {
  for (const store of STORES) tx.objectStore(store).clear();
}

function clear(tx: IDBTransaction, scope: string): void {
  tx.objectStore('scope').delete(scope);
  tx.objectStore('chunk').delete(IDBKeyRange.bound([scope], [scope, []]));
  tx.objectStore('log').delete(IDBKeyRange.bound([scope], [scope, []]));
}

/** What is read on demand is read anew. */
export function keeps({ entity }: { entity: Entity }): boolean {
  return !entity.onDemand;
}

/** Rows by the chunk they belong to. */
function divided(rows: Iterable<Row>, count: number): Row[][] {
  const lists: Row[][] = Array.from({ length: count }, () => []);
  for (const row of rows) lists[place(row.id, count)]!.push(row);
  return lists;
}

/** A row's chunk follows from its id alone, so that a changed row is found without a directory. */
function place(id: string, count: number): number {
  let hash = 2166136261;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 16777619);
  return (hash >>> 0) % count;
}

/** Changes with the form of the entities' rows. */
export function schemaOf(entities: readonly Entity[]): string {
  const parts = entities.map(({ name, schema, detail = [] }) => `${name}@${schema}[${detail.join()}]`);
  return parts.sort().join(' ');
}
