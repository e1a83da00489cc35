import type { Session } from '../api';
import { whenIdle } from '../later';
import type { StoredCache } from '../persist';
import type { Engine, Entry, Heads, Told } from '../sync';
import type { CacheKeeper } from './leading';
import type { Happening } from './stream';

type Message =
  | { kind: 'hello' }
  | { kind: 'state'; online: boolean }
  | { kind: 'happening'; happening: Happening }
  | { kind: 'told'; told: Told };

interface Options {
  user: string;
  session: Session;
  engine: Engine;
  /** Where rows are kept, once it has been read; null in browsers that keep nothing. */
  cache: Promise<StoredCache | null>;
  onState(online: boolean): void;
}

type Follow = typeof import('./leading').follow;

const AGAIN_MS = 2_000;

/**
 * Connects the tabs of one user with each other and, through the leading one, with the server: one stream per
 * browser, however many tabs (with one per tab, HTTP/1.1's limit of six connections stops the seventh).
 */
export class Live {
  readonly #o: Options;
  readonly #channel: BroadcastChannel;
  readonly #ended = new AbortController();
  #leading = false;
  #online = false;

  constructor(options: Options) {
    this.#o = options;
    this.#channel = new BroadcastChannel(`peisear.live.${options.user}`);
    this.#channel.onmessage = ({ data }: MessageEvent<Message>) => this.#hear(data);
  }

  /** Begins to follow; safe before there is a token. */
  start(): void {
    this.#say({ kind: 'hello' });
    addEventListener('online', () => this.#o.engine.outbox.wake(), { signal: this.#ended.signal });
    void this.#stand();
  }

  /** Passes on to the other tabs what the outbox did. */
  tell(told: Told): void {
    this.#say({ kind: 'told', told });
  }

  close(): void {
    this.#ended.abort();
    this.#channel.close();
  }

  /** Leads when it is this tab's turn. Until then nothing of it is needed. */
  async #stand(): Promise<void> {
    const { signal } = this.#ended;
    const parts = await leading(signal);
    if (!parts) return;
    const keeper = new parts.CacheKeeper(this.#o.cache, this.#o.engine.replica);
    signal.addEventListener('abort', () => keeper.close());
    await parts.lead(`peisear.live.${this.#o.user}`, (turn) => void this.#lead(parts.follow, keeper, turn), signal);
  }

  async #lead(follow: Follow, keeper: CacheKeeper, signal: AbortSignal): Promise<void> {
    const { engine, session } = this.#o;
    this.#leading = true;
    signal.addEventListener('abort', () => (this.#leading = false));
    engine.follower.keeper = keeper;
    void keeper.adopt();
    engine.outbox.lead(signal);
    await follow(
      {
        url: '/api/live',
        token: () => session.token,
        refresh: (stale) => session.refresh(stale),
        on: (happening) => {
          this.#say({ kind: 'happening', happening });
          this.#happen(happening);
        },
        onState: (online) => {
          this.#say({ kind: 'state', online });
          this.#state(online);
        },
      },
      signal,
    );
  }

  #hear(message: Message): void {
    if (message.kind === 'hello') this.#welcome();
    else if (message.kind === 'state') this.#state(message.online);
    else if (message.kind === 'told') this.#o.engine.outbox.hear(message.told);
    else this.#happen(message.happening);
  }

  /** A new tab learns where the logs are; it fetches what it lacks by itself. */
  #welcome(): void {
    if (!this.#leading) return;
    const heads: Heads = this.#o.engine.follower.heads();
    this.#say({ kind: 'state', online: this.#online });
    if (heads.epoch) this.#say({ kind: 'happening', happening: { kind: 'heads', heads, whole: false } });
  }

  #happen(happening: Happening): void {
    const { follower } = this.#o.engine;
    if (happening.kind === 'heads') follower.hear(happening.heads, happening.whole);
    else if (happening.kind === 'change') follower.change(happening.entry as Entry);
    else follower.purge(happening.scope);
  }

  #state(online: boolean): void {
    if (online && !this.#online) this.#o.engine.outbox.wake();
    this.#online = online;
    this.#o.onState(online);
  }

  #say(message: Message): void {
    if (!this.#ended.signal.aborted) this.#channel.postMessage(message);
  }
}

/** The code for leading: not before the page has shown, and again where it does not come. Null when it is too late. */
async function leading(signal: AbortSignal): Promise<typeof import('./leading') | null> {
  for (await whenIdle(); !signal.aborted; await pause(signal)) {
    const parts = await import('./leading').catch(() => null);
    if (parts) return signal.aborted ? null : parts;
  }
  return null;
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, AGAIN_MS);
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
