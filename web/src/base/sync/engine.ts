import { uuid, type Api } from '../api';
import { Follower, type Remote } from './follow';
import { Outbox, type Queue, type Told } from './outbox';
import { Replica } from './replica';
import type { Call, Entity, Mutation, Pending, Refusal } from './types';
import { Undo } from './undo';

export interface EngineOptions {
  api: Api;
  remote: Remote;
  queue: Queue;
  /** The signed-in user's id. */
  actor: string;
  entities: readonly Entity[];
  mutations: readonly Mutation<never>[];
  tell(message: Told): void;
  onRefused(refusal: Refusal): void;
}

/** A mutation that was made: its id, which is also the temporary id of a row it creates, and its outcome. */
export interface Made<Out> {
  tx: string;
  done: Promise<Out>;
}

/** The sync engine of one tab: what is known, what follows the server and what is on its way there. */
export class Engine {
  readonly replica: Replica;
  readonly follower: Follower;
  readonly outbox: Outbox;
  readonly tab = uuid();
  readonly #undo = new Undo();
  readonly #actor: string;

  constructor(options: EngineOptions) {
    this.#actor = options.actor;
    this.replica = new Replica(options.entities, options.mutations);
    this.follower = new Follower(this.replica, options.remote);
    this.outbox = new Outbox({
      api: options.api,
      replica: this.replica,
      queue: options.queue,
      tab: this.tab,
      tell: (message) => options.tell(message),
      onRefused: (refusal) => {
        this.#undo.drop(refusal.pending.tx);
        options.onRefused(refusal);
      },
    });
  }

  /** Makes a mutation: it shows at once. done rejects with Problem when the server refuses; listen or not. */
  mutate<A, Out>(mutation: Mutation<A, Out>, args: A): Made<Out> {
    const { made, back } = this.#make(mutation, args);
    if (back) this.#undo.push(made.tx, back);
    return made;
  }

  /** Takes back this tab's last mutation; false when there is none. */
  undo(): boolean {
    return this.#undo.undo((call) => this.#again(call));
  }

  redo(): boolean {
    return this.#undo.redo((call) => this.#again(call));
  }

  close(): void {
    this.follower.close();
    this.outbox.close();
  }

  #again(call: Call<never>): { tx: string; back: Call<never> } | null {
    const { made, back } = this.#make(call.mutation, call.args);
    return back && { tx: made.tx, back };
  }

  #make<A, Out>(mutation: Mutation<A, Out>, given: A): { made: Made<Out>; back: Call<never> | null } {
    const args = this.replica.resolve(given);
    const back = mutation.inverse?.(this.replica.reader, args) ?? null;
    const pending: Pending = {
      tx: uuid(),
      name: mutation.name,
      scope: mutation.scope(args, this.#actor),
      args,
      actor: this.#actor,
      at: new Date().toISOString(),
      tab: this.tab,
    };
    const done = this.outbox.push(pending) as Promise<Out>;
    done.catch(() => undefined); // onRefused tells the user; callers may listen as well
    return { made: { tx: pending.tx, done }, back };
  }
}
