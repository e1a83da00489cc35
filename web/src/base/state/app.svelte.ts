import { bearerFetch, createApi, Session, Vault, type Api, type Me } from '../api';
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
  #opening: Promise<void> = Promise.resolve();

  constructor(features: readonly Feature[], session = new Session(new Vault())) {
    this.features = features;
    this.session = session;
    this.api = createApi(session);
    const routes = features.flatMap((feature) => Object.entries(feature.routes ?? {}));
    this.router = new Router<Page | 'home'>({ '/': 'home', ...Object.fromEntries(routes) });
  }

  get me(): Me | null {
    return this.workspace?.me ?? null;
  }

  get home(): string {
    return this.features.find(({ home }) => home)?.home ?? '/login';
  }

  /** Shows what this browser kept before anything is asked of the network; without that, asks who is here. */
  async start(): Promise<void> {
    this.session.onChange((me) => void this.#enter(me));
    const kept = await this.session.recall().catch(() => null);
    // The stream refreshes when it starts; only without a person is there nothing that would.
    if (!kept) await this.session.refresh().catch(() => false);
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
      if (me && this.workspace?.me.id === me.id) return;
      // Another person in another tab: nothing of the first one may stay in this page.
      if (me && this.workspace) return location.reload();
      this.workspace?.close();
      this.workspace = null;
      if (!me) return;
      const workspace = await this.#open(me);
      workspace.start();
      this.workspace = workspace;
    });
    return this.#opening;
  }

  #open(me: Me): Promise<Workspace> {
    return Workspace.open({
      me,
      api: this.api,
      session: this.session,
      fetch: bearerFetch(this.session),
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
