import { ok, uuid, type Api } from '../../base/api';
import { m } from '../../base/i18n';
import { trimmed } from '../../base/ui/blank';
import { Form } from '../../base/ui/form.svelte';
import type { Confirmation } from '../confirmation.svelte';

export interface Own {
  displayName: string;
  email: string;
  pendingEmail: string | null;
  hasPassword: boolean;
}

/** Name and address of who is signed in. */
export class Profile {
  own = $state.raw<Own | null>(null);
  error = $state.raw<unknown>(null);
  displayName = $state('');
  email = $state('');
  readonly naming = new Form(['displayName']);
  readonly moving = new Form(['email']);

  readonly #api: Api;
  readonly #confirmation: Confirmation;
  readonly #renamed: () => Promise<unknown>;

  /** `renamed` tells the rest of the page. */
  constructor(api: Api, confirmation: Confirmation, renamed: () => Promise<unknown> = () => Promise.resolve()) {
    this.#api = api;
    this.#confirmation = confirmation;
    this.#renamed = renamed;
  }

  async load(): Promise<void> {
    this.error = null;
    try {
      this.own = await ok(this.#api.GET('/api/account'));
      this.displayName ||= this.own.displayName;
    } catch (reason) {
      this.error = reason;
    }
  }

  async rename(): Promise<void> {
    const displayName = trimmed(this.displayName);
    if (!displayName) {
      this.naming.refuse({ displayName: m.account_name_needed() });
      return;
    }
    const sent = await this.naming.send(async () => {
      const params = { header: { 'Idempotency-Key': uuid() } };
      this.own = await ok(this.#api.PATCH('/api/account', { params, body: { displayName } }));
    });
    if (sent) await this.#renamed().catch(() => undefined); // shown with the next answer anyway
  }

  /** Nothing changes before the new address was verified by the link that is sent there. */
  async move(): Promise<void> {
    const email = this.email.trim();
    if (!/^\S+@\S+$/u.test(email)) {
      this.moving.refuse({ email: m.account_email_needed() });
      return;
    }
    const sent = await this.moving.send(() =>
      this.#confirmation.run(async () => {
        await ok(this.#api.POST('/api/account/email', { body: { email } }));
      }),
    );
    if (!sent) return;
    this.email = '';
    await this.load();
  }

  async withdraw(): Promise<void> {
    const params = { header: { 'Idempotency-Key': uuid() } };
    if (await this.moving.send(() => ok(this.#api.DELETE('/api/account/email', { params })))) await this.load();
  }
}
