import { whenIdle } from '../later';
import type { Entry, Keeper, Replica } from '../sync';
import { keeps, type StoredCache } from './cache';

/** Rows that changed since the chunks were written, before they are folded in. */
const FOLD_FROM = 200;
const QUIET_MS = 5_000;

/**
 * Writes what the follower brings to the cache, one thing after the other: whole scopes when the page has nothing
 * better to do, entries at once. A write that does not succeed (the disk is full, the database was deleted) ends the
 * keeping: the next start loads from the server.
 */
export class CacheKeeper implements Keeper {
  readonly #cache: Promise<StoredCache | null>;
  readonly #replica: Replica;
  /** Scopes to be written whole; what happens to them until then is part of that. */
  readonly #whole = new Set<string>();
  #last: Promise<void> = Promise.resolve();
  #timer: ReturnType<typeof setTimeout> | null = null;
  #ended = false;

  /** The cache comes once it has been read; null in browsers that keep nothing. */
  constructor(cache: Promise<StoredCache | null>, replica: Replica) {
    this.#cache = cache;
    this.#replica = replica;
  }

  /** Brings the cache to what this tab knows; another tab may have kept it until now. */
  adopt(): Promise<void> {
    return this.#then(async (cache) => {
      const latest = await cache.takeOver();
      for (const { name, filled, seq, epoch } of this.#replica.scopes()) {
        const kept = latest.get(name);
        if (filled && (kept?.seq !== seq || kept.epoch !== epoch)) this.snapshot(name);
      }
      for (const name of latest.keys()) if (!this.#replica.scope(name)) await cache.drop(name);
    });
  }

  snapshot(scope: string): void {
    this.#whole.add(scope);
    void whenIdle().then(() => this.flush());
  }

  append(entries: readonly Entry[]): void {
    const rest = entries.filter(({ scope }) => !this.#whole.has(scope));
    if (rest.length > 0) void this.#then((cache) => cache.append(rest));
    this.#schedule();
  }

  purge(scope: string): void {
    this.#whole.delete(scope);
    void this.#then((cache) => cache.drop(scope));
  }

  /** Writes what waited for a quiet moment; resolves when everything so far is written. */
  flush(): Promise<void> {
    for (const name of this.#whole) void this.#then((cache) => this.#store(cache, name));
    return this.#last;
  }

  /** Folds the log of every scope that has grown. */
  fold(from = FOLD_FROM): Promise<void> {
    return this.#then(async (cache) => {
      for (const scope of [...this.#replica.scopes()]) {
        if (cache.behind(scope.name) >= from) await cache.fold(scope.name, scope);
      }
    });
  }

  close(): void {
    this.#ended = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  async #store(cache: StoredCache, name: string): Promise<void> {
    // Off the list first: what comes while this is written is appended after it.
    if (!this.#whole.delete(name)) return;
    const scope = this.#replica.scope(name);
    if (!scope) return;
    const tables = [...scope.tables()]
      .filter(keeps)
      .map((table) => [table.entity.name, [...table.base().values()]] as const);
    await cache.store({ scope: name, epoch: scope.epoch, seq: scope.seq, entities: Object.fromEntries(tables) });
  }

  #schedule(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void whenIdle().then(() => this.fold());
    }, QUIET_MS);
  }

  #then(work: (cache: StoredCache) => Promise<void>): Promise<void> {
    this.#last = this.#last.then(async () => {
      const cache = await this.#cache;
      if (this.#ended || !cache) return;
      try {
        await work(cache);
      } catch {
        this.close();
      }
    });
    return this.#last;
  }
}
