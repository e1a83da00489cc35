/**
 * Rows that are read by group when they are looked at; see Entity.onDemand. A group is followed from the moment that
 * its reading begins, so that what the log says meanwhile is not lost, whichever of the two comes first. Not a part of
 * the engine's first load: who reads on demand brings this along.
 */
import { key, type Replica } from './replica';
import { newer, type Guard, type Table } from './table';
import type { Entity, Row } from './types';

/** A part of a group. */
export interface Part<R extends Row = Row> {
  rows: readonly R[];
  /** Whether the server has more of the group, beyond what was read so far. */
  more: boolean;
}

/** The groups of a table that are held. */
class Groups<R extends Row> implements Guard<R> {
  /** Whether the server has more, once that is known. */
  readonly held = new Map<string, boolean | undefined>();
  readonly #table: Table<R>;
  /** Changes of rows that were not here while some were being read, which may be older; null for a deleted one. */
  readonly #early = new Map<string, Partial<R> | null>();
  #reading = 0;
  #cleared = 0;

  constructor(table: Table<R>) {
    this.#table = table;
  }

  /** Holds a group from now on. Call what it returns when it was read, or was not; false: read it again. */
  begin(group: string): (part?: Part<R>) => boolean {
    this.held.set(group, this.held.get(group));
    this.#reading++;
    const cleared = this.#cleared;
    return (part) => {
      // After another snapshot it may be older than that.
      const fits = cleared === this.#cleared;
      if (part && fits && this.held.has(group)) {
        for (const row of part.rows) this.#table.create(row);
        this.held.set(group, part.more);
      }
      if (--this.#reading === 0) this.#early.clear();
      return fits;
    };
  }

  admit(row: R): R | null {
    if (!this.held.has(this.#groupOf(row))) return null;
    const early = this.#early.get(row.id);
    if (early === null) return null;
    return early && newer(early, row) ? { ...row, ...early } : row;
  }

  miss(id: string, patch: Partial<R> | null): void {
    if (this.#reading > 0) this.#early.set(id, patch && { ...this.#early.get(id), ...patch });
  }

  clear(): void {
    this.held.clear();
    this.#cleared++;
  }

  leave(group: string): void {
    if (!this.held.delete(group)) return;
    for (const row of [...this.#table.base().values()]) if (this.#groupOf(row) === group) this.#table.delete(row.id);
  }

  #groupOf(row: R): string {
    const { indexes, onDemand } = this.#table.entity;
    return indexes?.[onDemand!.index]?.group(row) ?? '';
  }
}

function groupsOf<R extends Row>(replica: Replica, scope: string, entity: Entity<R>): Groups<R> | undefined {
  const table = replica.scope(scope)?.table(entity.name) as Table<R> | undefined;
  return table && ((table.guard ??= new Groups(table)) as Groups<R>);
}

/**
 * Whether the server has more of a group than was read; undefined until some was, also when everything had to be loaded
 * anew. Changes with the table.
 */
export function more(replica: Replica, scope: string, entity: Entity<never>, group: string): boolean | undefined {
  return groupsOf(replica, scope, entity)?.held.get(group);
}

/** Reads a part of a group. Rejects with what read throws. */
export async function fill<R extends Row>(
  replica: Replica,
  scope: string,
  entity: Entity<R>,
  group: string,
  read: () => Promise<Part<R>>,
): Promise<void> {
  for (;;) {
    const end = groupsOf(replica, scope, entity)?.begin(group);
    if (!end) return;
    let part: Part<R> | undefined;
    try {
      part = await read();
    } finally {
      if (!part) end();
    }
    if (!end(part)) continue;
    replica.replay(scope);
    replica.signals.emit(key.table(scope, entity.name)); // also when there was nothing
    return;
  }
}
