import { ok, Problem, type Api, type Me, type Session } from '../api';
import { Live } from '../live';
import { CacheKeeper, MemoryQueue, schemaOf, StoredCache, StoredQueue } from '../persist';
import { Store } from '../store';
import { Engine, type Entity, type Mutation, type Page, type Refusal, type Remote, type Snapshot } from '../sync';

interface Options {
  me: Me;
  api: Api;
  session: Session;
  fetch: (request: Request) => Promise<Response>;
  entities: readonly Entity<never>[];
  mutations: readonly Mutation<never>[];
  onRefused(refusal: Refusal): void;
  onState(online: boolean): void;
}

/** What belongs to one signed-in person: rows, mutations on their way, the stream, and where they are kept. */
export class Workspace {
  readonly me: Me;
  readonly store: Store;
  readonly #engine: Engine;
  readonly #live: Live;
  readonly #cache: StoredCache | null;
  readonly #keeper: CacheKeeper | null;
  readonly #queue: StoredQueue | MemoryQueue;

  private constructor(options: Options, cache: StoredCache | null, queue: StoredQueue | MemoryQueue) {
    const { me, api, session, entities, mutations } = options;
    this.me = me;
    this.#cache = cache;
    this.#queue = queue;
    this.#engine = new Engine({
      api,
      remote: remote(options.fetch),
      queue,
      actor: me.id,
      entities: entities as readonly Entity[],
      mutations,
      tell: (message) => this.#live.tell(message),
      onRefused: (refusal) => options.onRefused(refusal),
    });
    this.#keeper = cache && new CacheKeeper(cache, this.#engine.replica);
    this.store = new Store(this.#engine);
    this.#live = new Live({
      user: me.id,
      session,
      engine: this.#engine,
      keeper: this.#keeper,
      onState: (online) => options.onState(online),
    });
  }

  /** Opens what was kept and shows it; the server is asked afterwards. Browsers that keep nothing still work. */
  static async open(options: Options): Promise<Workspace> {
    const [cache, queue] = await Promise.all([
      StoredCache.open(options.me.id, schemaOf(options.entities as readonly Entity[])).catch(() => null),
      StoredQueue.open(options.me.id).catch(() => new MemoryQueue()),
    ]);
    const workspace = new Workspace(options, cache, queue);
    await workspace.#restore();
    return workspace;
  }

  /** Begins to follow the server. */
  start(): void {
    this.#live.start();
  }

  close(): void {
    this.#live.close();
    this.#engine.close();
    this.#keeper?.close();
    this.#cache?.close();
    if (this.#queue instanceof StoredQueue) this.#queue.close();
  }

  /** Closes, and deletes everything that this browser keeps of the person. */
  async destroy(): Promise<void> {
    this.close();
    await Promise.allSettled([StoredCache.delete(this.me.id), StoredQueue.delete(this.me.id)]);
  }

  async #restore(): Promise<void> {
    try {
      for (const { snapshot, entries } of (await this.#cache?.load()) ?? []) {
        this.#engine.replica.load(snapshot);
        this.#engine.replica.apply(snapshot.scope, entries);
      }
    } catch {
      // What cannot be read is loaded from the server.
    }
    await this.#engine.outbox.restore().catch(() => undefined);
  }
}

/** The sync endpoints; snapshots and deltas are two answers of one operation, which the typed client cannot tell. */
function remote(send: (request: Request) => Promise<Response>): Remote {
  const get = async <T>(scope: string, query: string): Promise<T> => {
    const request = new Request(`${location.origin}/api/sync/${encodeURIComponent(scope)}${query}`);
    const response = await send(request);
    if (!response.ok) throw await Problem.from(response);
    return (await response.json()) as T;
  };
  return {
    snapshot: (scope) => get<Snapshot>(scope, ''),
    delta: (scope, since, epoch) => get<Page>(scope, `?${new URLSearchParams({ since: String(since), epoch })}`),
  };
}

/** Ends the session at the server, then here. Throws when the server cannot be reached: the cookie would stay. */
export async function signOut(api: Api, session: Session, workspace: Workspace | null): Promise<void> {
  await ok(api.POST('/api/auth/logout'));
  await workspace?.destroy();
  await session.end();
}
