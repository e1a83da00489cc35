import { ok, uuid, type Api } from '../../base/api';
import { m } from '../../base/i18n';
import { trimmed } from '../../base/ui/blank';
import { Form } from '../../base/ui/form.svelte';
import type { Confirmation } from '../confirmation.svelte';
import { expiry } from '../invites.svelte';

export type TokenScope = 'read' | 'write' | 'admin';

export interface Token {
  id: string;
  name: string;
  scope: TokenScope;
  logScopes: readonly string[];
  hint: string;
  createdAt: string;
  expiresAt: string | null;
  usedAt: string | null;
}

export interface TokenDraft {
  name: string;
  scope: TokenScope;
  /** Scopes of the change log; none for no limit. */
  logScopes: string[];
  /** Days from now; null for never. */
  days: number | null;
}

/** What programs may do in somebody's name. */
export class Tokens {
  list = $state.raw<readonly Token[] | null>(null);
  error = $state.raw<unknown>(null);
  /** The token that was just made; it cannot be had again. */
  fresh = $state.raw<{ id: string; secret: string } | null>(null);
  readonly form = new Form(['name', 'scope', 'logScopes', 'expiresAt']);

  readonly #api: Api;
  readonly #confirmation: Confirmation;

  constructor(api: Api, confirmation: Confirmation) {
    this.#api = api;
    this.#confirmation = confirmation;
  }

  async load(): Promise<void> {
    this.error = null;
    try {
      this.list = (await ok(this.#api.GET('/api/account/tokens'))).items;
    } catch (reason) {
      this.error = reason;
    }
  }

  /** Answers whether it was made. */
  async create(draft: TokenDraft): Promise<boolean> {
    const name = trimmed(draft.name);
    if (!name) {
      this.form.refuse({ name: m.account_token_name_needed() });
      return false;
    }
    const body = { name, scope: draft.scope, logScopes: draft.logScopes, expiresAt: expiry(draft.days) };
    return this.form.send(async () => {
      const { token, ...made } = await this.#confirmation.run(() =>
        ok(this.#api.POST('/api/account/tokens', { params: { header: { 'Idempotency-Key': uuid() } }, body })),
      );
      this.list = [made, ...(this.list ?? [])];
      this.fresh = { id: made.id, secret: token };
    });
  }

  /** Throws Problem. */
  async revoke(id: string): Promise<void> {
    await ok(
      this.#api.DELETE('/api/account/tokens/{id}', {
        params: { path: { id }, header: { 'Idempotency-Key': uuid() } },
      }),
    );
    this.list = this.list?.filter((token) => token.id !== id) ?? null;
    if (this.fresh?.id === id) this.fresh = null;
  }
}
