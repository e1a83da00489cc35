import { ok, uuid, type Api } from '../../base/api';
import { m } from '../../base/i18n';
import { Form } from '../../base/ui/form.svelte';

export type Registration = 'invite' | 'open';

interface Settings {
  registration: Registration;
  /** Who decides it in place of admins; null for nobody. */
  lockedBy: string | null;
  /** Whether this server sends mails. */
  mail: boolean;
}

/** What admins decide for the whole place, and whether its mails arrive. */
export class PlaceSettings {
  now = $state.raw<Settings | null>(null);
  error = $state.raw<unknown>(null);
  readonly registering = new Form(['registration']);
  readonly testing = new Form(['email']);
  /** Where the last test was sent to. */
  sentTo = $state('');
  email = $state('');

  readonly #api: Api;

  constructor(api: Api, email: string) {
    this.#api = api;
    this.email = email;
  }

  async load(): Promise<void> {
    this.error = null;
    try {
      const [settings, { mail }] = await Promise.all([
        ok(this.#api.GET('/api/admin/settings')),
        ok(this.#api.GET('/api/auth/options')),
      ]);
      this.now = { ...settings, mail };
    } catch (reason) {
      this.error = reason;
    }
  }

  /** Shown at once; what the server refuses is as before. */
  async register(registration: Registration): Promise<void> {
    const before = this.now;
    if (!before || this.registering.busy) return;
    this.now = { ...before, registration };
    const done = await this.registering.send(async () => {
      const params = { header: { 'Idempotency-Key': uuid() } };
      const settings = await ok(this.#api.PATCH('/api/admin/settings', { params, body: { registration } }));
      this.now = { ...before, ...settings };
    });
    if (!done) this.now = before;
  }

  async test(): Promise<void> {
    const email = this.email.trim();
    this.sentTo = '';
    if (!/^\S+@\S+$/u.test(email)) {
      this.testing.refuse({ email: m.account_email_needed() });
      return;
    }
    await this.testing.send(async () => {
      await ok(this.#api.POST('/api/admin/mail/test', { body: { email } }));
      this.sentTo = email;
    });
  }
}
