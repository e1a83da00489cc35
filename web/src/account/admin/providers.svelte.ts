import { ok, uuid, type Api } from '../../base/api';
import { m } from '../../base/i18n';
import { Form } from '../../base/ui/form.svelte';
import type { Confirmation } from '../confirmation.svelte';
import { fieldsOf, missing, type ProviderDraft } from './provider';

export interface Provider {
  id: string;
  name: string;
  configured: boolean;
  /** Who has set it up; null for nobody. */
  source: 'environment' | 'app' | null;
  clientId: string;
  /** What to register at the provider. */
  redirectUrl: string;
  extra: Readonly<Record<string, string>>;
}

/** The ways to sign in from elsewhere, set up or not. A secret is given to the server and never comes back. */
export class Providers {
  list = $state.raw<readonly Provider[] | null>(null);
  error = $state.raw<unknown>(null);
  readonly form = new Form(['clientId', 'clientSecret', 'tenant', 'teamId', 'keyId', 'issuer', 'name', 'url']);

  readonly #api: Api;
  readonly #confirmation: Confirmation;

  constructor(api: Api, confirmation: Confirmation) {
    this.#api = api;
    this.#confirmation = confirmation;
  }

  async load(): Promise<void> {
    this.error = null;
    try {
      this.list = (await ok(this.#api.GET('/api/admin/providers'))).items;
    } catch (reason) {
      this.error = reason;
    }
  }

  /** Answers whether it is set up now. */
  async put(provider: Provider, draft: ProviderDraft): Promise<boolean> {
    const fields = fieldsOf(provider.id);
    const empty = missing(fields, draft, provider.source === 'app');
    if (empty.length > 0) {
      this.form.refuse(Object.fromEntries(empty.map((field) => [field, m.account_provider_needed()])));
      return false;
    }
    const given = fields.flatMap(({ name }): [string, string][] => {
      const value = draft[name]?.trim();
      return value ? [[name, value]] : [];
    });
    const body = { clientId: '', ...Object.fromEntries(given) };
    return this.form.send(async () => {
      this.#show(
        await this.#confirmation.run(() => ok(this.#api.PUT('/api/admin/providers/{id}', this.#on(provider, body)))),
      );
    });
  }

  /** Throws Problem. */
  async remove(provider: Provider): Promise<void> {
    const params = { path: { id: provider.id }, header: { 'Idempotency-Key': uuid() } };
    await this.#confirmation.run(() => ok(this.#api.DELETE('/api/admin/providers/{id}', { params })));
    await this.load();
  }

  #on<T>({ id }: Provider, body: T) {
    return { params: { path: { id }, header: { 'Idempotency-Key': uuid() } }, body };
  }

  #show(provider: Provider): void {
    this.list = this.list?.map((old) => (old.id === provider.id ? provider : old)) ?? null;
  }
}
