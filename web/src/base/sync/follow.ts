import { isNetwork, Problem } from '../api';
import type { Replica } from './replica';
import type { Entry, Snapshot } from './types';

/** How far each scope's log is. */
export interface Heads {
  epoch: string;
  scopes: Record<string, number>;
}

export interface Page {
  scope: string;
  epoch: string;
  entries: Entry[];
  more: boolean;
}

/** The server's side of following. Both throw Problem: 404 not yours, 409 start over. */
export interface Remote {
  /** begun is called with the first part of a large one, while the rest is on its way. */
  snapshot(scope: string, begun: (beginning: Snapshot) => void): Promise<Snapshot>;
  /** More of a snapshot that began at a seq. The rows are as they were when the page was read. */
  more(scope: string, begun: Begun): Promise<Snapshot>;
  delta(scope: string, since: number, epoch: string): Promise<Page>;
}

/** A snapshot of several pages: how far it was read, and where the log is to be followed from when it is whole. */
export interface Begun {
  epoch: string;
  seq: number;
  next: string;
}

/** Keeps what was followed for the next start. */
export interface Keeper {
  /** The scope was loaded whole. */
  snapshot(scope: string): void;
  append(entries: readonly Entry[]): void;
  purge(scope: string): void;
}

const AT_ONCE = 4;
const PAUSE_MS = 2_000;

/**
 * Brings scopes to their heads and keeps them there: a snapshot where nothing is known, deltas where something is
 * missing, entries as they come. What arrives while a scope catches up waits until it has.
 */
export class Follower {
  readonly #replica: Replica;
  readonly #remote: Remote;
  /** Set in the tab that keeps for all. */
  keeper: Keeper | null = null;
  #epoch = '';
  /** The highest seq heard of. */
  readonly #heads = new Map<string, number>();
  readonly #queue: string[] = [];
  readonly #busy = new Set<string>();
  /** Purged while they are busy: what is on its way is no longer ours. */
  readonly #lost = new Set<string>();
  readonly #waiting = new Map<string, Entry[]>();
  readonly #begun = new Map<string, Begun>();
  readonly #filled = new Map<string, (() => void)[]>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #closed = false;

  constructor(replica: Replica, remote: Remote) {
    this.#replica = replica;
    this.#remote = remote;
  }

  /** What is known, for tabs that come later. */
  heads(): Heads {
    return { epoch: this.#epoch, scopes: Object.fromEntries(this.#heads) };
  }

  /** The heads as the server has them. whole: scopes that are not among them are no longer ours. */
  hear(heads: Heads, whole: boolean): void {
    this.#epoch = heads.epoch;
    if (whole) {
      this.#heads.clear();
      for (const scope of [...this.#replica.scopes()]) if (!(scope.name in heads.scopes)) this.purge(scope.name);
    }
    for (const [scope, seq] of Object.entries(heads.scopes)) this.#ask(scope, seq);
  }

  /** One transaction as it happens. */
  change(entry: Entry): void {
    this.#heads.set(entry.scope, Math.max(entry.seq, this.#heads.get(entry.scope) ?? 0));
    if (this.#busy.has(entry.scope)) {
      const waiting = this.#waiting.get(entry.scope) ?? [];
      this.#waiting.set(entry.scope, [...waiting, entry]);
    } else if (!this.#apply(entry.scope, [entry])) this.#enqueue(entry.scope);
  }

  purge(scope: string): void {
    this.#heads.delete(scope);
    this.#begun.delete(scope);
    if (this.#busy.has(scope)) this.#lost.add(scope);
    this.#replica.purge(scope);
    this.keeper?.purge(scope);
    this.#settled(scope);
  }

  /** Resolves once the scope has its rows; puts it before the others. Also when it turns out not to be ours. */
  want(scope: string): Promise<void> {
    if (this.#replica.scope(scope)?.filled) return Promise.resolve();
    const done = new Promise<void>((resolve) => {
      this.#filled.set(scope, [...(this.#filled.get(scope) ?? []), resolve]);
    });
    if (!this.#busy.has(scope)) this.#enqueue(scope, true);
    return done;
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #ask(name: string, seq: number): void {
    this.#heads.set(name, Math.max(seq, this.#heads.get(name) ?? 0));
    const scope = this.#replica.scope(name);
    if (!scope?.filled || scope.epoch !== this.#epoch || scope.seq < seq) this.#enqueue(name);
  }

  #enqueue(scope: string, first = false): void {
    const at = this.#queue.indexOf(scope);
    if (at >= 0 && first) this.#queue.splice(at, 1);
    if (at < 0 || first) this.#queue[first ? 'unshift' : 'push'](scope);
    this.#next();
  }

  #next(): void {
    while (!this.#closed && this.#busy.size < AT_ONCE) {
      const at = this.#queue.findIndex((scope) => !this.#busy.has(scope));
      if (at < 0) return;
      const [scope] = this.#queue.splice(at, 1);
      this.#busy.add(scope!);
      void this.#catchUp(scope!).finally(() => this.#caughtUp(scope!));
    }
  }

  #caughtUp(scope: string): void {
    this.#busy.delete(scope);
    this.#lost.delete(scope);
    const waiting = this.#waiting.get(scope);
    this.#waiting.delete(scope);
    if (this.#closed) return;
    // Not there means it is gone or the server did not answer: the next heads will tell.
    const known = this.#replica.scope(scope)?.filled;
    if (known && waiting && !this.#apply(scope, waiting)) this.#enqueue(scope);
    if (known) this.#settled(scope);
    this.#next();
  }

  async #catchUp(name: string): Promise<void> {
    try {
      const scope = this.#replica.scope(name);
      const usable = scope?.filled && (!this.#epoch || scope.epoch === this.#epoch);
      // It was asked for twice: by who wants it and by the heads.
      if (usable && scope.seq >= (this.#heads.get(name) ?? Infinity)) return;
      if (!usable || !(await this.#deltas(name))) await this.#bootstrap(name);
    } catch (reason) {
      if (this.#closed) return;
      if (reason instanceof Problem && (reason.status === 404 || reason.status === 403)) this.purge(name);
      else if (isNetwork(reason) || (reason instanceof Problem && reason.passing)) this.#later(name);
      else if (!(reason instanceof Problem)) throw reason;
    }
  }

  /** False when the scope must be started over. */
  async #deltas(name: string): Promise<boolean> {
    for (;;) {
      const scope = this.#replica.scope(name);
      if (!scope) return false;
      let page: Page;
      try {
        page = await this.#remote.delta(name, scope.seq, scope.epoch);
      } catch (reason) {
        if (reason instanceof Problem && reason.status === 409) return false;
        throw reason;
      }
      if (this.#closed) return true;
      if (page.epoch !== scope.epoch || !this.#apply(name, page.entries)) return false;
      if (!page.more || page.entries.length === 0) return true;
    }
  }

  async #bootstrap(name: string): Promise<void> {
    if (!this.#begun.has(name)) {
      const snapshot = await this.#remote.snapshot(name, (beginning) => {
        const wanted = !this.#closed && !this.#lost.has(name);
        if (wanted && !this.#replica.scope(name)?.filled) this.#replica.begin(beginning);
      });
      if (this.#closed || this.#lost.has(name)) return;
      const { epoch, seq, next } = snapshot;
      if (next === undefined) this.#replica.load(snapshot);
      else {
        this.#replica.begin(snapshot);
        this.#begun.set(name, { epoch, seq, next });
      }
    }
    if (await this.#more(name)) this.keeper?.snapshot(name);
  }

  /** Reads the pages after the first, on from where that was broken off. False when it ended before. */
  async #more(name: string): Promise<boolean> {
    for (let begun = this.#begun.get(name); begun; begun = this.#begun.get(name)) {
      let page: Snapshot;
      try {
        page = await this.#remote.more(name, begun);
      } catch (reason) {
        if (!(reason instanceof Problem) || ![409, 422].includes(reason.status)) throw reason;
        this.#begun.delete(name);
        this.#enqueue(name); // from its beginning
        return false;
      }
      if (this.#closed || !this.#begun.has(name)) return false;
      this.#replica.more(page);
      if (page.next !== undefined) this.#begun.set(name, { ...begun, next: page.next });
      else {
        this.#begun.delete(name);
        this.#replica.whole(name, begun.epoch, begun.seq);
      }
    }
    return !this.#closed;
  }

  #apply(scope: string, entries: readonly Entry[]): boolean {
    const before = this.#replica.scope(scope)?.seq ?? 0;
    const whole = this.#replica.apply(scope, entries);
    const after = this.#replica.scope(scope)?.seq ?? 0;
    let last = before; // an entry may come twice: by the stream and by a delta
    const applied = entries.filter(({ seq }) => seq > last && seq <= after && (last = seq));
    if (applied.length > 0) this.keeper?.append(applied);
    return whole;
  }

  #settled(scope: string): void {
    const resolvers = this.#filled.get(scope) ?? [];
    this.#filled.delete(scope);
    for (const resolve of resolvers) resolve();
  }

  #later(scope: string): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#enqueue(scope);
    }, PAUSE_MS);
    this.#timers.add(timer);
  }
}
