import { Sorted } from './sorted';
import type { Entity, Row } from './types';

/** Decides which rows of an entity are held that is read on demand: see on-demand.ts. */
export interface Guard<R extends Row = Row> {
  /** The row as it is to be held, if it is. */
  admit(row: R): R | null;
  /** A row that is not here has changed, or was deleted. */
  miss(id: string, patch: Partial<R> | null): void;
  /** All rows are gone. */
  clear(): void;
  /** The row is gone that a group hangs on. */
  leave(group: string): void;
}

/**
 * The rows of one entity in one scope: what the server confirmed (base), what pending mutations put over it
 * (overlay), and the sum of both (view), which is what readers and indexes see.
 */
export class Table<R extends Row = Row> {
  readonly entity: Entity<R>;
  readonly #base = new Map<string, R>();
  readonly #overlay = new Map<string, R | null>();
  readonly #view = new Map<string, R>();
  readonly #sorted = new Map<string, Sorted<R>>();
  /** Deleted by an answer whose log entry is still to come: older entries must not revive them. */
  readonly #gone = new Set<string>();
  /** Of an entity that is read on demand. Without one, nothing is held. */
  guard: Guard<R> | null = null;
  #list: readonly R[] | null = null;
  #dirty = false;

  constructor(entity: Entity<R>) {
    this.entity = entity;
    for (const [name, index] of Object.entries(entity.indexes ?? {})) {
      this.#sorted.set(name, new Sorted(index, this.#view));
    }
  }

  get size(): number {
    return this.#view.size;
  }

  get(id: string): R | undefined {
    return this.#view.get(id);
  }

  /** What the server confirmed. */
  base(): ReadonlyMap<string, R> {
    return this.#base;
  }

  /** All rows; the same array until something changes. */
  all(): readonly R[] {
    this.#list ??= [...this.#view.values()];
    return this.#list;
  }

  group(index: string, group: string): readonly string[] {
    const sorted = this.#sorted.get(index);
    if (!sorted) throw new Error(`${this.entity.name} has no index ${index}`);
    return sorted.group(group);
  }

  /** Replaces everything that the server confirmed. The overlay is gone; replay it. */
  load(rows: Iterable<R>): void {
    this.#base.clear();
    this.#overlay.clear();
    this.#view.clear();
    this.#gone.clear();
    this.guard?.clear();
    for (const row of rows) {
      const frozen = Object.freeze(row);
      this.#base.set(row.id, frozen);
      this.#view.set(row.id, frozen);
    }
    for (const sorted of this.#sorted.values()) sorted.rebuild();
    this.#list = null;
    this.#dirty = true;
  }

  /** A row that the server created. */
  create(given: R): void {
    const row = this.entity.onDemand ? this.guard?.admit(given) : given;
    if (!row) return;
    const known = this.#base.get(row.id);
    if (this.#gone.has(row.id) || (known && !newer(row, known))) return;
    this.#confirm(row.id, row);
  }

  /** A change that the server made; one that an answer brought before is skipped. */
  update(id: string, patch: Partial<R>): void {
    const known = this.#base.get(id);
    if (!known) this.guard?.miss(id, patch);
    if (!known || !newer(patch, known)) return;
    this.#confirm(id, { ...known, ...patch });
  }

  /** A row that the server deleted, by its log. */
  delete(id: string): void {
    this.#gone.delete(id);
    this.guard?.miss(id, null);
    this.#confirm(id, null);
  }

  /** A row that the server deleted, by its answer: the log will say it again. */
  forget(id: string): void {
    if (this.#base.has(id)) this.#gone.add(id);
    this.#confirm(id, null);
  }

  /** Takes the overlay away, before it is replayed. */
  bare(): void {
    for (const id of [...this.#overlay.keys()]) {
      this.#overlay.delete(id);
      this.#show(id, this.#base.get(id));
    }
  }

  /** Puts a row, or its absence, over what the server confirmed. */
  cover(id: string, row: R | null): void {
    this.#overlay.set(id, row);
    this.#show(id, row ?? undefined);
  }

  /** What changed since the last call: index and group of each changed list; null when nothing did. */
  take(): { index: string; group: string }[] | null {
    if (!this.#dirty) return null;
    this.#dirty = false;
    const groups: { index: string; group: string }[] = [];
    for (const [index, sorted] of this.#sorted) {
      for (const group of sorted.take()) groups.push({ index, group });
    }
    return groups;
  }

  #confirm(id: string, row: R | null): void {
    if (row) this.#base.set(id, Object.freeze(row));
    else this.#base.delete(id);
    if (!this.#overlay.has(id)) this.#show(id, row ?? undefined);
  }

  #show(id: string, row: R | undefined): void {
    const old = this.#view.get(id);
    if (old === row) return;
    const moved = [...this.#sorted.values()].filter((sorted) => sorted.moves(old, row));
    if (old) for (const sorted of moved) sorted.remove(old);
    if (row) this.#view.set(id, Object.freeze(row));
    else this.#view.delete(id);
    if (row) for (const sorted of moved) sorted.insert(row);
    this.#list = null;
    this.#dirty = true;
  }
}

/** Rows without versions have no order but that of arrival. */
export function newer(row: { readonly version?: number | undefined }, known: Row): boolean {
  return row.version === undefined || known.version === undefined || row.version > known.version;
}
