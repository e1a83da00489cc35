import { createSubscriber } from 'svelte/reactivity';
import {
  key,
  type Engine,
  type Entity,
  type Made,
  type Mutation,
  type Pending,
  type Reader,
  type Replica,
  type Row,
} from '../sync';

/** The rows of one entity, of one scope or of all; every method may be read in $derived and markup. */
export interface Table<R extends Row> {
  get(id: string): R | undefined;
  /** The same array until something changes. */
  all(): readonly R[];
  /** The ids of a group of an index, in order; changes only with this group. */
  group(index: string, group: string): readonly string[];
  /** The rows of a group, in order. To read many, this and not get: each call from a component is a subscription. */
  rows(index: string, group: string): R[];
}

/**
 * The engine as components see it. Rows stay plain objects in plain maps; what is reactive is one version per
 * table and one per group, made when first read.
 */
export class Store {
  readonly #engine: Engine;
  readonly #signals = new Map<string, () => void>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  table<R extends Row>(entity: Entity<R>, scope?: string): Table<R> {
    return scope === undefined ? this.#everywhere(entity) : this.#within(entity, scope);
  }

  /** Whether the scope's rows are there; before that, show that it is loading. */
  ready(scope: string): boolean {
    this.#track(key.scopes);
    return this.#engine.replica.scope(scope)?.filled ?? false;
  }

  /** Puts the loading of a scope before that of others; resolves when it is there, or turned out not to be ours. */
  want(scope: string): Promise<void> {
    return this.#engine.follower.want(scope);
  }

  /** The fields of a row that are loaded one by one, such as a description; undefined until they are. */
  detail(entity: Entity<never>, id: string): Readonly<Record<string, unknown>> | undefined {
    this.#track(key.detail(entity.name, id));
    return this.#engine.replica.detail(entity.name, id);
  }

  setDetail(entity: Entity<never>, id: string, fields: Record<string, unknown>): void {
    this.#engine.replica.setDetail(entity.name, id, fields);
  }

  /** What the engine knows, for parts of the base that are loaded later. */
  get replica(): Replica {
    return this.#engine.replica;
  }

  /** The mutations that the server has not answered yet. */
  pending(): readonly Pending[] {
    this.#track(key.pending);
    return this.#engine.replica.pending();
  }

  /** Does it: it shows at once. done tells the server's answer, or rejects with its Problem. */
  mutate<A, Out>(mutation: Mutation<A, Out>, args: A): Made<Out> {
    return this.#engine.mutate(mutation, args);
  }

  undo(): boolean {
    return this.#engine.undo();
  }

  redo(): boolean {
    return this.#engine.redo();
  }

  /** The server's id for a temporary one. */
  real(id: string): string {
    this.#track(key.pending);
    return this.#engine.replica.real(id);
  }

  #within<R extends Row>(entity: Entity<R>, name: string): Table<R> {
    const scope = () => this.#engine.replica.scope(name);
    const table = key.table(name, entity.name);
    return {
      get: (id) => {
        this.#track(table);
        return scope()?.get(entity, id);
      },
      all: () => {
        this.#track(table);
        return scope()?.all(entity) ?? [];
      },
      group: (index, group) => {
        this.#track(key.group(name, entity.name, index, group));
        return scope()?.group(entity, index, group) ?? [];
      },
      rows: (index, group) => {
        this.#track(table);
        return rows(scope(), entity, index, group);
      },
    };
  }

  #everywhere<R extends Row>(entity: Entity<R>): Table<R> {
    const { reader } = this.#engine.replica;
    const track = () => this.#track(key.entity(entity.name));
    return {
      get: (id) => (track(), reader.get(entity, id)),
      all: () => (track(), reader.all(entity)),
      group: (index, group) => (track(), reader.group(entity, index, group)),
      rows: (index, group) => (track(), rows(reader, entity, index, group)),
    };
  }

  #track(signal: string): void {
    let subscribe = this.#signals.get(signal);
    if (!subscribe) {
      subscribe = createSubscriber((update) => this.#engine.replica.signals.on(signal, update));
      this.#signals.set(signal, subscribe);
    }
    subscribe();
  }
}

function rows<R extends Row>(read: Reader | undefined, entity: Entity<R>, index: string, group: string): R[] {
  return read?.group(entity, index, group).flatMap((id) => read.get(entity, id) ?? []) ?? [];
}
