import { Table } from './table';
import type { Draft, Entity, Entry, Row } from './types';

/** The details of an entity that entries and answers bring; see Entity.detail. */
export type OnDetail = (entity: string, id: string, fields: Record<string, unknown> | null) => void;

type Entities = Readonly<Record<string, readonly Row[]>>;

/** One scope's tables and how far the log was followed. */
export class Scope implements Draft {
  readonly name: string;
  epoch = '';
  seq = 0;
  /** False until the first snapshot or the cache filled it. */
  filled = false;
  readonly #entities: ReadonlyMap<string, Entity>;
  readonly #tables = new Map<string, Table>();
  readonly #onDetail: OnDetail;

  constructor(name: string, entities: ReadonlyMap<string, Entity>, onDetail: OnDetail) {
    this.name = name;
    this.#entities = entities;
    this.#onDetail = onDetail;
  }

  /** The table of an entity; undefined for one that this version of the app does not know. */
  table(name: string): Table | undefined {
    let table = this.#tables.get(name);
    if (!table) {
      const entity = this.#entities.get(name);
      if (!entity) return undefined;
      table = new Table(entity);
      this.#tables.set(name, table);
    }
    return table;
  }

  tables(): Iterable<Table> {
    return this.#tables.values();
  }

  /** Replaces everything by a snapshot. */
  load(epoch: string, seq: number, entities: Entities): void {
    this.fill(entities);
    this.whole(epoch, seq);
  }

  /** All rows are here, or will be when the log since seq was followed. */
  whole(epoch: string, seq: number): void {
    this.epoch = epoch;
    this.seq = seq;
    this.filled = true;
  }

  /** Adds rows; one that is newer here stays. */
  more(entities: Entities): void {
    for (const [name, rows] of Object.entries(entities)) {
      const table = this.table(name);
      for (const row of rows) table?.create(row);
    }
  }

  /** Replaces the rows. */
  fill(entities: Entities): void {
    for (const table of this.#tables.values()) if (!entities[table.entity.name]) table.load([]);
    for (const [name, rows] of Object.entries(entities)) this.table(name)?.load(rows);
  }

  /** Applies one entry of the log; false when one before it is missing. Entries applied before are skipped. */
  apply(entry: Entry): boolean {
    if (entry.seq <= this.seq) return true;
    if (entry.seq !== this.seq + 1) return false;
    for (const { entity, id, op, patch } of entry.changes) {
      const table = this.table(entity);
      if (!table) continue;
      const { row, detail } = split(table.entity, patch);
      if (op === 'create') table.create({ ...row, id });
      else if (op === 'update') table.update(id, row);
      else table.delete(id);
      if (op === 'delete') this.#left(entity, id);
      else if (detail) this.#onDetail(entity, id, detail);
    }
    this.seq = entry.seq;
    return true;
  }

  /** Takes a whole row from an answer. */
  accept(name: string, whole: Row): void {
    const table = this.table(name);
    if (!table) return;
    const { row, detail } = split(table.entity, whole);
    table.create({ ...row, id: whole.id });
    if (detail) this.#onDetail(name, whole.id, detail);
  }

  /** Takes from an answer that a row is gone. */
  forget(name: string, id: string): void {
    this.table(name)?.forget(id);
    this.#left(name, id);
  }

  /** What hung on a row that is gone goes, too. */
  #left(name: string, id: string): void {
    this.#onDetail(name, id, null);
    for (const table of this.#tables.values()) if (table.entity.onDemand?.of === name) table.guard?.leave(id);
  }

  get<R extends Row>(entity: Entity<R>, id: string): R | undefined {
    return this.table(entity.name)?.get(id) as R | undefined;
  }

  all<R extends Row>(entity: Entity<R>): readonly R[] {
    return (this.table(entity.name)?.all() ?? []) as readonly R[];
  }

  group<R extends Row>(entity: Entity<R>, index: string, group: string): readonly string[] {
    return this.table(entity.name)?.group(index, group) ?? [];
  }

  put<R extends Row>(entity: Entity<R>, row: R): void {
    this.table(entity.name)?.cover(row.id, row);
  }

  patch<R extends Row>(entity: Entity<R>, id: string, patch: Partial<R>): void {
    const table = this.table(entity.name);
    const row = table?.get(id);
    if (row) table?.cover(id, { ...row, ...patch });
  }

  remove<R extends Row>(entity: Entity<R>, id: string): void {
    this.table(entity.name)?.cover(id, null);
  }
}

/** Parts what a row holds from what is kept as its detail. */
function split(entity: Entity, fields: object): { row: Row; detail: Record<string, unknown> | null } {
  const row: Record<string, unknown> = { ...fields };
  let detail: Record<string, unknown> | null = null;
  for (const field of entity.detail ?? []) {
    if (!(field in row)) continue;
    detail ??= {};
    detail[field] = row[field];
    delete row[field];
  }
  return { row: row as unknown as Row, detail };
}
