import { bearerFetch, createApi, type Api, type Me, type Session } from '../api';
import type { Feature, Page } from '../feature';
import { m } from '../i18n';
import { Keys } from '../keys';
import { Router } from '../router';
import type { Refusal } from '../sync';
import { copyText } from '../ui/clipboard';
import { Theme } from '../ui/theme.svelte';
import { Toasts } from '../ui/toasts.svelte';
import { signOut, Workspace } from './workspace';

/** The services of the app and who uses it. */
export class App {
  readonly features: readonly Feature[];
  readonly session: Session;
  readonly api: Api;
  readonly router: Router<Page | 'home'>;
  readonly keys = new Keys();
  readonly toasts = new Toasts();
  readonly theme = new Theme();
  /** Null while nobody is signed in. */
  workspace = $state.raw<Workspace | null>(null);
  /** Whether it is known yet if somebody is signed in. */
  started = $state(false);
  /** Whether the server's stream is up. */
  online = $state(false);
  /** As the server said last: a name, an address or a role may change while somebody is here. */
  #me = $state.raw<Me | null>(null);
  #opening: Promise<void> = Promise.resolve();

  constructor(features: readonly Feature[], session: Session) {
    this.features = features;
    this.session = session;
    this.api = createApi(session);
    const routes = features.flatMap((feature) => Object.entries(feature.routes ?? {}));
    this.router = new Router<Page | 'home'>({ '/': 'home', ...Object.fromEntries(routes) });
  }

  get me(): Me | null {
    return this.workspace && this.#me;
  }

  get home(): string {
    return this.features.find(({ home }) => home)?.home ?? '/login';
  }

  /** Where the person's own settings are, if a feature has some. */
  get settings(): string | undefined {
    return this.features.find(({ settings }) => settings)?.settings;
  }

  /** Waits for the code of a dialog, with what is typed meanwhile. Says when it does not come: false. */
  async comes(code: Promise<unknown>): Promise<boolean> {
    this.keys.hold(code);
    try {
      await code;
      return true;
    } catch {
      this.toasts.alert(m.base_part_missing());
      return false;
    }
  }

  /** Opens the workspace of whoever is here, once that is known. */
  async start(known: Promise<Me | null>): Promise<void> {
    this.session.onChange((me) => void this.#enter(me));
    if (this.session.me) void this.#enter(this.session.me);
    await known;
    await this.#opening;
    this.started = true;
  }

  /** The number of changes that the server does not have yet. */
  get unsent(): number {
    return this.workspace?.store.pending().length ?? 0;
  }

  /** Throws when the server cannot be reached. */
  async signOut(): Promise<void> {
    await signOut(this.api, this.session, this.workspace);
    this.router.go('/login');
  }

  #enter(me: Me | null): Promise<void> {
    this.#opening = this.#opening.then(async () => {
      if (me && this.workspace?.me.id === me.id) {
        this.#me = me;
        return;
      }
      // Another person in another tab: nothing of the first one may stay in this page.
      if (me && this.workspace) return location.reload();
      void this.workspace?.close();
      this.workspace = null;
      if (!me) return;
      const workspace = await this.#open(me);
      workspace.start();
      this.#me = me;
      this.workspace = workspace;
    });
    return this.#opening;
  }

  #open(me: Me): Promise<Workspace> {
    return Workspace.open({
      me,
      remembered: this.session.recalled,
      api: this.api,
      session: this.session,
      fetch: bearerFetch(this.session),
      scopes: (read) => this.features.flatMap(({ scopes }) => scopes?.(read) ?? []),
      entities: this.features.flatMap(({ entities = [] }) => entities),
      mutations: this.features.flatMap(({ mutations = [] }) => mutations),
      onRefused: (refusal) => this.#refused(refusal),
      onState: (online) => (this.online = online),
    });
  }

  /** Says what was not taken, and hands back what the user wrote. */
  #refused({ message, text }: Refusal): void {
    const options = text ? { action: { label: m.ui_copy(), run: () => void copyText(text) } } : {};
    this.toasts.show(m.base_not_saved({ reason: message }), { tone: 'alert', ...options });
  }
}
