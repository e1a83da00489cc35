import { ok, Problem, type Api } from '../base/api';
import { m } from '../base/i18n';
import { readable } from '../base/ui/problem';
import { gaveUp, hasPasskeys, usePasskey } from './webauthn';

/** How somebody can show again who they are. */
export interface Means {
  password: boolean;
  totp: boolean;
  passkey: boolean;
  /** Identity providers. */
  providers: readonly { id: string; name: string }[];
}

export interface ConfirmCalls {
  means(): Promise<Means>;
  password(password: string): Promise<void>;
  totp(code: string): Promise<void>;
  passkey(): Promise<void>;
  /** Leads away; the page comes back here. */
  provider(id: string): Promise<void>;
}

/**
 * What needs a fresh proof of identity runs through here: when the server asks for one, the person is asked in a
 * dialog (ConfirmIdentity.svelte), and what they wanted is done after it.
 */
export class Confirmation {
  /** The dialog is open. */
  open = $state(false);
  means = $state.raw<Means | null>(null);
  busy = $state(false);
  error = $state('');

  readonly #calls: ConfirmCalls;
  #asking: Promise<boolean> | null = null;
  #answer: (confirmed: boolean) => void = () => undefined;

  constructor(calls: ConfirmCalls) {
    this.#calls = calls;
  }

  /** Throws what the call throws; the server's request for a proof when the person gave none. */
  async run<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (reason) {
      if (!(reason instanceof Problem) || reason.code !== 'confirm') throw reason;
      if (!(await this.#ask())) throw reason;
      return call();
    }
  }

  withPassword(password: string): Promise<void> {
    return this.#try(() => this.#calls.password(password));
  }

  withCode(code: string): Promise<void> {
    return this.#try(() => this.#calls.totp(code));
  }

  withPasskey(): Promise<void> {
    return this.#try(() => this.#calls.passkey());
  }

  async withProvider(id: string): Promise<void> {
    this.busy = true;
    this.error = '';
    try {
      await this.#calls.provider(id);
    } catch (reason) {
      this.error = readable(reason);
      this.busy = false;
    }
  }

  cancel(): void {
    this.#close(false);
  }

  /** Several calls at once share one dialog. */
  #ask(): Promise<boolean> {
    if (this.#asking) return this.#asking;
    this.#asking = new Promise((answer) => (this.#answer = answer));
    this.open = true;
    this.error = '';
    void this.#load();
    return this.#asking;
  }

  async #load(): Promise<void> {
    const asking = this.#asking;
    try {
      const means = await this.#calls.means();
      if (this.#asking === asking) this.means = means;
    } catch (reason) {
      if (this.#asking === asking) this.error = readable(reason);
    }
  }

  async #try(proof: () => Promise<void>): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.error = '';
    try {
      await proof();
      this.#close(true);
    } catch (reason) {
      this.error = gaveUp(reason) ? m.account_passkey_given_up() : readable(reason);
    } finally {
      this.busy = false;
    }
  }

  #close(confirmed: boolean): void {
    this.open = false;
    this.busy = false;
    this.means = null; // another time there may be others
    this.#asking = null;
    this.#answer(confirmed);
  }
}

export function confirmCalls(api: Api): ConfirmCalls {
  return {
    async means() {
      const [own, factors, identities, options] = await Promise.all([
        ok(api.GET('/api/account')),
        ok(api.GET('/api/account/factors')),
        ok(api.GET('/api/account/identities')),
        ok(api.GET('/api/auth/options')),
      ]);
      const linked = new Set(identities.items.map(({ provider }) => provider));
      return {
        password: own.hasPassword,
        totp: factors.totp.enabled,
        passkey: factors.passkeys.length > 0 && hasPasskeys(),
        providers: options.providers.filter(({ id }) => linked.has(id)),
      };
    },
    async password(password) {
      await ok(api.POST('/api/account/confirm', { body: { password } }));
    },
    async totp(code) {
      await ok(api.POST('/api/account/confirm/totp', { body: { code } }));
    },
    async passkey() {
      const { id, publicKey } = await ok(api.POST('/api/account/confirm/passkey/options'));
      const credential = await usePasskey(publicKey);
      await ok(api.POST('/api/account/confirm/passkey', { body: { id, credential } }));
    },
    async provider(provider) {
      const then = `${location.pathname}?confirmed=1`; // Notice.svelte says what that means
      const { url } = await ok(
        api.POST('/api/auth/{provider}/confirm', { params: { path: { provider } }, body: { then } }),
      );
      location.assign(url);
    },
  };
}
