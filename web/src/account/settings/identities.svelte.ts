import { ok, uuid, type Api } from '../../base/api';
import { Form } from '../../base/ui/form.svelte';
import type { Confirmation } from '../confirmation.svelte';

export interface Identity {
  id: string;
  provider: string;
  name: string;
  email: string;
  createdAt: string;
  usedAt: string | null;
}

export interface Provider {
  id: string;
  name: string;
}

/** Identities of elsewhere that lead to this account. */
export class Identities {
  list = $state.raw<readonly Identity[] | null>(null);
  providers = $state.raw<readonly Provider[]>([]);
  error = $state.raw<unknown>(null);
  readonly form = new Form([]);

  readonly #api: Api;
  readonly #confirmation: Confirmation;

  constructor(api: Api, confirmation: Confirmation) {
    this.#api = api;
    this.#confirmation = confirmation;
  }

  async load(): Promise<void> {
    this.error = null;
    try {
      const [linked, options] = await Promise.all([
        ok(this.#api.GET('/api/account/identities')),
        ok(this.#api.GET('/api/auth/options')),
      ]);
      this.list = linked.items;
      this.providers = options.providers;
    } catch (reason) {
      this.error = reason;
    }
  }

  nameOf(provider: string): string {
    return this.providers.find(({ id }) => id === provider)?.name ?? provider;
  }

  /** Leads to the provider; the page comes back to the settings. */
  link(provider: string): Promise<boolean> {
    return this.form.send(async () => {
      const { url } = await this.#confirmation.run(() =>
        ok(this.#api.POST('/api/auth/{provider}/link', { params: { path: { provider } } })),
      );
      location.assign(url);
    });
  }

  /** Throws Problem. */
  async unlink(id: string): Promise<void> {
    await this.#confirmation.run(() =>
      ok(
        this.#api.DELETE('/api/account/identities/{id}', {
          params: { path: { id }, header: { 'Idempotency-Key': uuid() } },
        }),
      ),
    );
    this.list = this.list?.filter((identity) => identity.id !== id) ?? null;
  }
}
