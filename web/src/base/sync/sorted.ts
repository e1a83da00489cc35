import type { Index } from './types';

interface Keyed {
  readonly id: string;
}

/**
 * The ids of each group in order. A changed list is a new array, so that readers can compare by identity; within
 * one batch of changes a list is copied once.
 */
export class Sorted<R extends Keyed> {
  readonly #index: Index<R>;
  readonly #rows: ReadonlyMap<string, R>;
  readonly #groups = new Map<string, string[]>();
  /** Groups changed since the last take(); their arrays are this batch's own. */
  #changed = new Set<string>();

  /** rows are those that the lists speak of; during remove and insert they must hold every other row as listed. */
  constructor(index: Index<R>, rows: ReadonlyMap<string, R>) {
    this.#index = index;
    this.#rows = rows;
  }

  group(name: string): readonly string[] {
    return this.#groups.get(name) ?? EMPTY;
  }

  groups(): Iterable<string> {
    return this.#groups.keys();
  }

  /** Whether the change moves the row, within its group or to another one. */
  moves(old: R | undefined, row: R | undefined): boolean {
    if (!old || !row) return true;
    return this.#index.group(old) !== this.#index.group(row) || this.#index.sort(old) !== this.#index.sort(row);
  }

  remove(row: R): void {
    const name = this.#index.group(row);
    if (name === null) return;
    const ids = this.#own(name);
    const at = this.#place(ids, row);
    if (ids[at] === row.id) ids.splice(at, 1);
    if (ids.length === 0) this.#groups.delete(name);
  }

  insert(row: R): void {
    const name = this.#index.group(row);
    if (name === null) return;
    const ids = this.#own(name);
    ids.splice(this.#place(ids, row), 0, row.id);
  }

  /** Sorts everything anew: for whole snapshots, where inserting one by one would copy for ever. */
  rebuild(): void {
    for (const name of this.#groups.keys()) this.#changed.add(name);
    this.#groups.clear();
    const filled = new Map<string, { id: string; sort: string }[]>();
    for (const row of this.#rows.values()) {
      const name = this.#index.group(row);
      if (name === null) continue;
      let list = filled.get(name);
      if (!list) filled.set(name, (list = []));
      list.push({ id: row.id, sort: this.#index.sort(row) });
    }
    for (const [name, list] of filled) {
      list.sort((a, b) => compare(a.sort, b.sort) || compare(a.id, b.id));
      this.#groups.set(
        name,
        list.map(({ id }) => id),
      );
      this.#changed.add(name);
    }
  }

  /** The groups that changed since the last call. */
  take(): ReadonlySet<string> {
    const changed = this.#changed;
    this.#changed = new Set();
    return changed;
  }

  #own(name: string): string[] {
    let ids = this.#groups.get(name);
    if (!ids || !this.#changed.has(name)) {
      ids = ids ? ids.slice() : [];
      this.#groups.set(name, ids);
      this.#changed.add(name);
    }
    return ids;
  }

  /** The first place whose row stands at or after the given one. */
  #place(ids: readonly string[], row: R): number {
    const sort = this.#index.sort(row);
    let low = 0;
    let high = ids.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const id = ids[middle]!;
      const other = id === row.id ? row : this.#rows.get(id)!;
      const order = compare(this.#index.sort(other), sort) || compare(id, row.id);
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

const EMPTY: readonly string[] = Object.freeze([]);

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
