import { ok, type Api } from '../../base/api';
import { m } from '../../base/i18n';
import { Form } from '../../base/ui/form.svelte';
import { readable } from '../../base/ui/problem';
import type { Confirmation } from '../confirmation.svelte';
import { createPasskey, gaveUp, isKnown } from '../webauthn';

export interface Passkey {
  id: string;
  name: string;
  createdAt: string;
  usedAt: string | null;
  synced: boolean;
}

export interface FactorState {
  totp: { enabled: boolean; createdAt?: string | null };
  passkeys: readonly Passkey[];
  recoveryCodesLeft: number;
}

/** An authenticator app that is being set up. */
export interface Enrolment {
  secret: string;
  uri: string;
  qr: string;
}

function words(reason: unknown): string {
  if (isKnown(reason)) return m.account_passkey_known();
  return gaveUp(reason) ? m.account_passkey_given_up() : readable(reason);
}

/** The second factors of who is signed in. */
export class Factors {
  state = $state.raw<FactorState | null>(null);
  error = $state.raw<unknown>(null);
  enrolment = $state.raw<Enrolment | null>(null);
  code = $state('');
  /** Just made; they cannot be shown again. */
  recoveryCodes = $state.raw<readonly string[]>([]);
  readonly enrolling = new Form(['code']);
  readonly adding = new Form([], words);

  readonly #api: Api;
  readonly #confirmation: Confirmation;

  constructor(api: Api, confirmation: Confirmation) {
    this.#api = api;
    this.#confirmation = confirmation;
  }

  async load(): Promise<void> {
    this.error = null;
    try {
      this.state = await ok(this.#api.GET('/api/account/factors'));
    } catch (reason) {
      this.error = reason;
    }
  }

  startTotp(): Promise<boolean> {
    return this.enrolling.send(async () => {
      this.code = '';
      this.enrolment = await this.#confirmed(() => ok(this.#api.POST('/api/account/factors/totp')));
    });
  }

  /** The app shows a right code: from now on signing in asks for one. */
  async finishTotp(): Promise<void> {
    const code = this.code.trim();
    if (!code) {
      this.enrolling.refuse({ code: m.account_code_of_factor_needed() });
      return;
    }
    await this.#change(this.enrolling, async () => {
      const { recoveryCodes } = await ok(this.#api.POST('/api/account/factors/totp/confirm', { body: { code } }));
      this.#show(recoveryCodes);
      this.enrolment = null;
    });
  }

  cancelTotp(): void {
    this.enrolment = null;
    this.enrolling.clear();
  }

  /** Throws Problem, for a dialog that shows it. */
  async removeTotp(): Promise<void> {
    await this.#confirmed(() => ok(this.#api.DELETE('/api/account/factors/totp')));
    await this.load();
  }

  /** Throws Problem, for a dialog that shows it. */
  async renewRecovery(): Promise<void> {
    const { recoveryCodes } = await this.#confirmed(() => ok(this.#api.POST('/api/account/factors/recovery')));
    this.#show(recoveryCodes);
    await this.load();
  }

  /** It has a plain name until it is renamed. */
  addPasskey(): Promise<void> {
    return this.#change(this.adding, async () => {
      const { id, publicKey } = await this.#confirmed(() =>
        ok(this.#api.POST('/api/account/factors/passkeys/options')),
      );
      const body = { id, credential: await createPasskey(publicKey) };
      const { recoveryCodes } = await ok(this.#api.POST('/api/account/factors/passkeys', { body }));
      this.#show(recoveryCodes);
    });
  }

  /** Throws Problem. */
  async renamePasskey(id: string, name: string): Promise<void> {
    await ok(this.#api.PATCH('/api/account/factors/passkeys/{id}', { params: { path: { id } }, body: { name } }));
    await this.load();
  }

  /** Throws Problem. */
  async removePasskey(id: string): Promise<void> {
    await this.#confirmed(() =>
      ok(this.#api.DELETE('/api/account/factors/passkeys/{id}', { params: { path: { id } } })),
    );
    await this.load();
  }

  async #change(form: Form, work: () => Promise<void>): Promise<void> {
    if (await form.send(work)) await this.load();
  }

  #confirmed<T>(call: () => Promise<T>): Promise<T> {
    return this.#confirmation.run(call);
  }

  #show(codes: readonly string[] | null | undefined): void {
    if (codes && codes.length > 0) this.recoveryCodes = codes;
  }
}
