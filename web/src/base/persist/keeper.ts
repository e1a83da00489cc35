import type { Entry, Keeper, Replica, Snapshot } from '../sync';
import type { StoredCache } from './cache';

/** Rows that changed since the chunks were written, before they are folded in. */
const FOLD_FROM = 200;
const QUIET_MS = 5_000;

/**
 * Writes what the follower brings to the cache, one thing after the other. A write that does not succeed (the disk
 * is full, the database was deleted) ends the keeping: the next start loads from the server.
 */
export class CacheKeeper implements Keeper {
  readonly #cache: StoredCache;
  readonly #replica: Replica;
  #last: Promise<void> = Promise.resolve();
  #timer: ReturnType<typeof setTimeout> | null = null;
  #ended = false;

  constructor(cache: StoredCache, replica: Replica) {
    this.#cache = cache;
    this.#replica = replica;
  }

  /** Brings the cache to what this tab knows; another tab may have kept it until now. */
  adopt(): Promise<void> {
    return this.#then(async () => {
      const latest = await this.#cache.latest();
      for (const scope of this.#replica.scopes()) {
        const kept = latest.get(scope.name);
        if (scope.filled && (kept?.seq !== scope.seq || kept.epoch !== scope.epoch)) await this.#store(scope.name);
      }
      for (const name of latest.keys()) if (!this.#replica.scope(name)) await this.#cache.drop(name);
    });
  }

  snapshot(snapshot: Snapshot): void {
    void this.#then(() => this.#cache.store(snapshot));
  }

  append(entries: readonly Entry[]): void {
    void this.#then(() => this.#cache.append(entries));
    this.#schedule();
  }

  purge(scope: string): void {
    void this.#then(() => this.#cache.drop(scope));
  }

  /** Resolves when everything so far is written. */
  idle(): Promise<void> {
    return this.#last;
  }

  /** Folds the log of every scope that has grown. */
  fold(from = FOLD_FROM): Promise<void> {
    return this.#then(async () => {
      for (const scope of [...this.#replica.scopes()]) {
        if (this.#cache.behind(scope.name) >= from) await this.#cache.fold(scope.name, scope);
      }
    });
  }

  close(): void {
    this.#ended = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #store(name: string): Promise<void> {
    const scope = this.#replica.scope(name)!;
    const tables = [...scope.tables()].map((table) => [table.entity.name, [...table.base().values()]] as const);
    return this.#cache.store({ scope: name, epoch: scope.epoch, seq: scope.seq, entities: Object.fromEntries(tables) });
  }

  #schedule(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      whenIdle(() => void this.fold());
    }, QUIET_MS);
  }

  #then(work: () => Promise<void>): Promise<void> {
    this.#last = this.#last.then(async () => {
      if (this.#ended) return;
      try {
        await work();
      } catch {
        this.close();
      }
    });
    return this.#last;
  }
}

function whenIdle(work: () => void): void {
  if ('requestIdleCallback' in globalThis) requestIdleCallback(work, { timeout: QUIET_MS });
  else setTimeout(work);
}
