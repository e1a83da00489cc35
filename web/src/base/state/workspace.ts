import { ok, Problem, type Api, type Me, type Session } from '../api';
import { Live } from '../live';
import { MemoryQueue, OpeningQueue, schemaOf, StoredCache, StoredQueue } from '../persist';
import { Store } from '../store';
import {
  Engine,
  readSnapshot,
  type Entity,
  type Mutation,
  type Page,
  type Reader,
  type Refusal,
  type Remote,
  type Snapshot,
} from '../sync';

interface Options {
  me: Me;
  /** Whether this browser may have kept something of the person. */
  remembered: boolean;
  api: Api;
  session: Session;
  fetch: (request: Request) => Promise<Response>;
  /** The scopes that the rows tell of. */
  scopes(read: Reader): string[];
  entities: readonly Entity<never>[];
  mutations: readonly Mutation<never>[];
  onRefused(refusal: Refusal): void;
  onState(online: boolean): void;
}

/** What belongs to one signed-in person: rows, mutations on their way, the stream, and where they are kept. */
export class Workspace {
  readonly me: Me;
  readonly store: Store;
  /** What was begun to be written and not sent, by its place. In memory only. */
  readonly drafts = new Map<string, string>();
  readonly #engine: Engine;
  readonly #live: Live;
  /** Null in browsers that keep nothing. */
  readonly #cache: Promise<StoredCache | null>;
  readonly #queue: Promise<StoredQueue | MemoryQueue>;
  readonly #restored: Promise<void>;
  readonly #scopes: (read: Reader) => string[];

  private constructor(options: Options) {
    const { me, api, session, entities, mutations } = options;
    this.me = me;
    this.#scopes = (read) => options.scopes(read);
    this.#cache = StoredCache.open(me.id, schemaOf(entities as readonly Entity[])).catch(() => null);
    this.#queue = StoredQueue.open(me.id).catch(() => new MemoryQueue());
    this.#engine = new Engine({
      api,
      remote: remote(options.fetch),
      queue: new OpeningQueue(this.#queue),
      actor: me.id,
      entities: entities as readonly Entity[],
      mutations,
      tell: (message) => this.#live.tell(message),
      onRefused: (refusal) => options.onRefused(refusal),
    });
    this.#restored = this.#restore();
    this.store = new Store(this.#engine);
    this.#live = new Live({
      user: me.id,
      session,
      engine: this.#engine,
      cache: this.#restored.then(() => this.#cache),
      onState: (online) => options.onState(online),
    });
  }

  /**
   * Opens what was kept and shows it; the server is asked afterwards, or meanwhile where nothing is expected to be
   * kept. Browsers that keep nothing still work.
   */
  static async open(options: Options): Promise<Workspace> {
    const workspace = new Workspace(options);
    if (options.remembered) await workspace.#restored;
    return workspace;
  }

  /** Begins to follow the server. */
  start(): void {
    void this.#load();
    this.#live.start();
  }

  async close(): Promise<void> {
    this.#live.close();
    this.#engine.close();
    const [cache, queue] = await Promise.all([this.#cache, this.#queue]);
    cache?.close();
    if (queue instanceof StoredQueue) queue.close();
  }

  /** Closes, and deletes everything that this browser keeps of the person. */
  async destroy(): Promise<void> {
    await this.close();
    await Promise.allSettled([StoredCache.delete(this.me.id), StoredQueue.delete(this.me.id)]);
  }

  /** Asks for what is not here at once, instead of when the stream says that it is there. */
  async #load(): Promise<void> {
    const { replica, follower } = this.#engine;
    const ask = () => {
      for (const scope of this.#scopes(replica.reader)) void follower.want(scope);
    };
    const own = follower.want(`user:${this.me.id}`);
    ask();
    await own;
    ask();
  }

  async #restore(): Promise<void> {
    const { replica } = this.#engine;
    try {
      for (const { snapshot, entries } of (await (await this.#cache)?.load()) ?? []) {
        if (replica.scope(snapshot.scope)?.filled) continue; // the server was faster
        replica.load(snapshot);
        replica.apply(snapshot.scope, entries);
      }
    } catch {
      // What cannot be read is loaded from the server.
    }
    await this.#engine.outbox.restore().catch(() => undefined);
  }
}

/** The sync endpoints; snapshots and deltas are two answers of one operation, which the typed client cannot tell. */
function remote(send: (request: Request) => Promise<Response>): Remote {
  const get = async (scope: string, query: string): Promise<Response> => {
    const request = new Request(`${location.origin}/api/sync/${encodeURIComponent(scope)}${query}`);
    const response = await send(request);
    if (!response.ok) throw await Problem.from(response);
    return response;
  };
  return {
    snapshot: async (scope, begun) => {
      const { body } = await get(scope, '');
      return readSnapshot(pieces(body!.pipeThrough(new TextDecoderStream())), begun);
    },
    more: async (scope, { epoch, seq, next }) => {
      const response = await get(scope, `?${new URLSearchParams({ since: String(seq), epoch, after: next })}`);
      return (await response.json()) as Snapshot;
    },
    delta: async (scope, since, epoch) => {
      const response = await get(scope, `?${new URLSearchParams({ since: String(since), epoch })}`);
      return (await response.json()) as Page;
    },
  };
}

/** A stream's pieces; not every browser lets a stream be iterated. */
async function* pieces(stream: ReadableStream<string>): AsyncGenerator<string> {
  const reader = stream.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
}

/** Ends the session at the server, then here. Throws when the server cannot be reached: the cookie would stay. */
export async function signOut(api: Api, session: Session, workspace: Workspace | null): Promise<void> {
  await ok(api.POST('/api/auth/logout'));
  await workspace?.destroy();
  await session.end();
}
