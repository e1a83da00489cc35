/**
 * Who is signed in, and the access token: in this object only, never stored.
 *
 * A refresh rotates the cookie, so it happens once at a time: within a tab by a shared promise, between tabs by a
 * Web Lock where there is one; the winner tells the others by BroadcastChannel. Without locks two tabs may refresh
 * at once, with one attempt id (see Vault), and the server answers both with the same successor.
 */
import { Problem } from './problem';
import type { Vault } from './vault';

export interface Me {
  id: string;
  email: string;
  displayName: string;
  role: 'user' | 'admin';
}

/** What sign-up, sign-in and refresh answer. */
export interface Auth {
  accessToken: string;
  /** Seconds. */
  expiresIn: number;
  user: Me;
}

type Message = { kind: 'adopted'; auth: Auth } | { kind: 'ended' };
type Listener = (me: Me | null) => void;

const REFRESH = '/api/auth/refresh';

export class Session {
  readonly #vault: Vault;
  readonly #channel = new BroadcastChannel('peisear.session');
  readonly #listeners = new Set<Listener>();
  #token: string | null = null;
  #me: Me | null = null;
  #refreshing: Promise<boolean> | null = null;
  #recalled = false;

  constructor(vault: Vault) {
    this.#vault = vault;
    this.#channel.onmessage = ({ data }: MessageEvent<Message>) => {
      if (data.kind === 'ended') this.#end();
      // A tab that shows nobody yet, or the same person, takes the token; a page of another person must start anew.
      else this.#take(data.auth);
    };
  }

  get token(): string | null {
    return this.#token;
  }

  /** Null when nobody is signed in; kept over a lost network. */
  get me(): Me | null {
    return this.#me;
  }

  /** Whether the person was known here before the server was asked: their rows may be kept. */
  get recalled(): boolean {
    return this.#recalled;
  }

  /** Called with every change of the person; returns how to stop. */
  onChange(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Who was here last, without any network: good enough to show their cache. */
  async recall(): Promise<Me | null> {
    const me = (await this.#vault.me()) ?? null;
    this.#recalled = me !== null;
    if (me && !this.#me) this.#show(me);
    return me;
  }

  /** Who is here: whom this browser remembers, else whom the server does. Null also while nobody can tell. */
  async begin(): Promise<Me | null> {
    const first = !this.#vault.visited;
    // At a first visit nothing is kept that would be worth reading before.
    if (first || !(await this.recall().catch(() => null))) await this.refresh().catch(() => false);
    return this.#me;
  }

  /** Takes what sign-up or sign-in answered; resolves when the other tabs and the next start know it too. */
  async adopt(auth: Auth): Promise<void> {
    this.#take(auth);
    this.#channel.postMessage({ kind: 'adopted', auth } satisfies Message);
    await this.#vault.remember(auth.user);
  }

  /** Forgets everybody, here and in the other tabs. The cookie is the server's to end. */
  async end(): Promise<void> {
    await this.#vault.remember(undefined);
    this.#channel.postMessage({ kind: 'ended' } satisfies Message);
    this.#end();
  }

  /**
   * Gets a token newer than the given one; false when the session is over. Many callers share one request.
   * Throws when the network or the server could not answer; the attempt is then kept for the next time.
   */
  refresh(stale: string | null = this.#token): Promise<boolean> {
    if (this.#token !== stale && this.#token) return Promise.resolve(true);
    this.#refreshing ??= this.#locked(() => this.#renew(stale)).finally(() => (this.#refreshing = null));
    return this.#refreshing;
  }

  close(): void {
    this.#channel.close();
    this.#listeners.clear();
  }

  #locked(fn: () => Promise<boolean>): Promise<boolean> {
    return 'locks' in navigator ? navigator.locks.request('peisear.refresh', fn) : fn();
  }

  async #renew(stale: string | null): Promise<boolean> {
    // Another tab may have renewed it while this one waited for the lock.
    if (this.#token !== stale && this.#token) return true;
    const attempt = this.#vault.attempt();
    const response = await fetch(REFRESH, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ attempt }),
    });
    if (response.ok) {
      const auth = (await response.json()) as Auth;
      this.#vault.answered(attempt);
      void this.adopt(auth).catch(() => undefined); // nobody waits for what is kept
      return true;
    }
    const problem = await Problem.from(response);
    if (problem.passing) throw problem;
    this.#vault.answered(attempt);
    await this.end();
    return false;
  }

  #take(auth: Auth): void {
    this.#token = auth.accessToken;
    this.#show(auth.user);
  }

  #end(): void {
    this.#recalled = false;
    this.#token = null;
    this.#show(null);
  }

  #show(me: Me | null): void {
    const same = me === this.#me || (me && this.#me && JSON.stringify(me) === JSON.stringify(this.#me));
    if (same) return;
    this.#me = me;
    for (const listener of [...this.#listeners]) listener(me);
  }
}
