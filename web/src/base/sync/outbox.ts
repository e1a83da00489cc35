import { isNetwork, Problem, type Api } from '../api';
import type { Replica } from './replica';
import type { Answer, Mutation, Pending, Refusal } from './types';

/** Keeps what waits over reloads; a database of its own that no schema change drops. */
export interface Queue {
  /** In the order in which they were made, over all tabs. */
  load(): Promise<Pending[]>;
  /** Appends it, or replaces it in its place. */
  put(pending: Pending): Promise<void>;
  remove(tx: string): Promise<void>;
  refuse(refusal: Refusal): Promise<void>;
}

/** What tabs tell each other. */
export type Told =
  | { kind: 'queued'; pending: Pending }
  | { kind: 'answered'; tx: string; answer: Answer }
  | { kind: 'refused'; refusal: Refusal };

interface Options {
  api: Api;
  replica: Replica;
  queue: Queue;
  tab: string;
  tell(message: Told): void;
  /** Called in the tab where it was made, or in the sending one when that tab is gone. */
  onRefused(refusal: Refusal): void;
}

interface Waiting {
  resolve(value: unknown): void;
  reject(reason: unknown): void;
}

/** The server answers 404 to a resend after this time, so it is not tried. */
const GIVE_UP_MS = 29 * 24 * 3600_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

/**
 * The mutations on their way. All tabs show them; the leading tab sends them, one at a time per scope and in
 * order, until each is answered or refused. A lost network or a server in trouble only makes it wait.
 */
export class Outbox {
  readonly #o: Options;
  readonly #waiting = new Map<string, Waiting>();
  readonly #sending = new Set<string>();
  readonly #pauses = new Map<string, number>();
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  /** Found in the queue at the start: their tab may be gone. */
  readonly #inherited = new Set<string>();
  /** Done with in another tab while this one reads the queue, which may still have them; null once it was read. */
  #settled: Set<string> | null = new Set();
  #leading = false;
  #closed = false;

  constructor(options: Options) {
    this.#o = options;
  }

  /** Takes up what an earlier visit left. */
  async restore(): Promise<void> {
    const kept = await this.#o.queue.load();
    const settled = this.#settled;
    this.#settled = null;
    for (const pending of kept) {
      if (settled?.has(pending.tx)) continue;
      this.#inherited.add(pending.tx);
      this.#o.replica.add(pending);
    }
    this.wake();
  }

  /** Shows the mutation, keeps it and sees that it is sent. Resolves with the answer's value, rejects with Problem. */
  async push(pending: Pending): Promise<unknown> {
    const outcome = new Promise((resolve, reject) => this.#waiting.set(pending.tx, { resolve, reject }));
    this.#o.replica.add(pending);
    try {
      await this.#o.queue.put(pending);
    } catch {
      // A browser that keeps nothing still sends; only a reload would lose it.
    }
    this.#o.tell({ kind: 'queued', pending });
    this.#pump(pending.scope);
    return outcome;
  }

  /** What another tab says. */
  hear(message: Told): void {
    if (message.kind === 'queued') {
      this.#o.replica.add(message.pending);
      this.#pump(message.pending.scope);
    } else if (message.kind === 'answered') {
      this.#settled?.add(message.tx);
      this.#answered(message.tx, message.answer);
    } else {
      this.#settled?.add(message.refusal.pending.tx);
      this.#refused(message.refusal, message.refusal.pending.tab === this.#o.tab);
    }
  }

  /** This tab sends until the signal aborts. */
  lead(signal: AbortSignal): void {
    this.#leading = !signal.aborted;
    signal.addEventListener('abort', () => (this.#leading = false), { once: true });
    this.wake();
  }

  /** The network may be back: no need to wait any longer. */
  wake(): void {
    this.#pauses.clear();
    for (const scope of new Set(this.#o.replica.pending().map((pending) => pending.scope))) this.#pump(scope);
  }

  close(): void {
    this.#closed = true;
    this.#leading = false;
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  #pump(scope: string): void {
    if (!this.#leading || this.#closed || this.#sending.has(scope)) return;
    const next = this.#o.replica.pending().find((pending) => pending.scope === scope);
    if (!next) return;
    clearTimeout(this.#timers.get(scope));
    this.#sending.add(scope);
    void this.#send(next).then((pause) => {
      this.#sending.delete(scope);
      if (this.#closed) return;
      if (pause === null) this.#pump(scope);
      else
        this.#timers.set(
          scope,
          setTimeout(() => this.#pump(scope), pause),
        );
    });
  }

  /** Milliseconds to wait before the next try, or null when this one is done with. */
  async #send(pending: Pending): Promise<number | null> {
    const mutation = this.#o.replica.mutation(pending.name) as Mutation<unknown> | undefined;
    try {
      if (!mutation) throw new Problem({ status: 410, detail: pending.name });
      if (Date.now() - Date.parse(pending.at) > GIVE_UP_MS) throw new Problem({ status: 410, detail: pending.at });
      const answer = await mutation.send(this.#o.api, pending.args, pending, this.#o.replica.confirmed);
      if (this.#closed) return null;
      this.#pauses.delete(pending.scope);
      this.#o.tell({ kind: 'answered', tx: pending.tx, answer });
      this.#answered(pending.tx, answer);
      await this.#forget(pending.tx);
      if (mutation.creates) await this.#rewrite(pending.scope);
      return null;
    } catch (reason) {
      if (this.#closed) return null;
      if (waits(reason)) return this.#pause(pending.scope, reason);
      await this.#refuse(pending, mutation, reason);
      return null;
    }
  }

  #pause(scope: string, reason: unknown): number {
    const last = this.#pauses.get(scope) ?? FIRST_PAUSE_MS / 2;
    const pause = Math.min(last * 2, LONGEST_PAUSE_MS);
    this.#pauses.set(scope, pause);
    const asked = reason instanceof Problem ? (reason.retryAfter ?? 0) * 1000 : 0;
    return Math.max(asked, pause * (0.75 + Math.random() / 2));
  }

  async #refuse(pending: Pending, mutation: Mutation<unknown> | undefined, reason: unknown): Promise<void> {
    const refusal: Refusal = {
      pending,
      status: reason instanceof Problem ? reason.status : 0,
      message: reason instanceof Error ? reason.message : String(reason),
      text: mutation?.text?.(pending.args) ?? '',
    };
    this.#o.tell({ kind: 'refused', refusal });
    this.#refused(refusal, pending.tab === this.#o.tab || this.#inherited.has(pending.tx), reason);
    try {
      if (refusal.text) await this.#o.queue.refuse(refusal);
    } finally {
      await this.#forget(pending.tx);
    }
  }

  async #forget(tx: string): Promise<void> {
    this.#inherited.delete(tx);
    try {
      await this.#o.queue.remove(tx);
    } catch {
      // It will be sent again after a reload, and the server knows it.
    }
  }

  /** What waits behind a creation speaks of the new row by its real id now; keep it so. */
  async #rewrite(scope: string): Promise<void> {
    for (const pending of this.#o.replica.pending()) {
      if (pending.scope === scope) await this.#o.queue.put(pending).catch(() => undefined);
    }
  }

  #answered(tx: string, answer: Answer): void {
    this.#o.replica.answered(tx, answer);
    this.#waiting.get(tx)?.resolve(answer.value);
    this.#waiting.delete(tx);
  }

  #refused(refusal: Refusal, ours: boolean, reason?: unknown): void {
    const { tx } = refusal.pending;
    this.#o.replica.refused(tx);
    this.#waiting.get(tx)?.reject(reason ?? new Problem({ status: refusal.status, detail: refusal.message }));
    this.#waiting.delete(tx);
    if (ours) this.#o.onRefused(refusal);
  }
}

/** Whether to try again: nothing arrived, the server was in trouble, or nobody is signed in at the moment. */
function waits(reason: unknown): boolean {
  if (reason instanceof Problem) return reason.passing || reason.status === 401;
  return isNetwork(reason);
}
