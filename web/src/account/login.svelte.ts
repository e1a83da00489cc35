import { m } from '../base/i18n';
import type { Auth } from '../base/api';
import { fieldErrors, readable } from '../base/ui/problem';
import { SecondFactor, type FactorCalls, type PendingSignIn } from './second-factor.svelte';
import { gaveUp } from './webauthn';

/** What this server offers to those who are not signed in. */
export interface Options {
  /** An account needs no invite. */
  open: boolean;
  /** A forgotten password can be set by mail. */
  mail: boolean;
  /** Identity providers. */
  providers: readonly { id: string; name: string }[];
}

export interface LoginCalls {
  options(): Promise<Options>;
  /** Answers the session, or what it still lacks. */
  login(email: string, password: string): Promise<Auth | PendingSignIn>;
  /** Signs in by a passkey alone. */
  passkey(): Promise<Auth>;
  factor: FactorCalls;
  /** Begins the session in this browser. */
  adopt(auth: Auth): Promise<void>;
}

/** Signing in. A refusal keeps what was typed and never tells which of the two did not match. */
export class Login {
  email = $state('');
  password = $state('');
  busy = $state(false);
  errors = $state.raw<Record<string, string>>({});
  message = $state('');
  /** Null while it is not known. */
  options = $state.raw<Options | null>(null);
  /** The second step, when the first is taken. */
  second = $state.raw<SecondFactor | null>(null);

  #calls: LoginCalls;

  /** A provider may have taken the first step already. */
  constructor(calls: LoginCalls, pending: PendingSignIn | null = null) {
    this.#calls = calls;
    if (pending) this.#ask(pending);
  }

  /** Finds out which ways in there are. */
  async begin(): Promise<void> {
    this.options = await this.#calls.options().catch(() => null);
  }

  /** Begins again with the first step. */
  restart(): void {
    this.second = null;
    this.password = '';
    this.message = '';
  }

  withPasskey(): Promise<void> {
    return this.#try(async () => this.#calls.adopt(await this.#calls.passkey()));
  }

  async submit(): Promise<void> {
    if (this.busy) return;
    this.errors = {};
    this.message = '';
    if (!this.email.trim()) this.errors = { email: m.account_email_needed() };
    else if (!this.password) this.errors = { password: m.account_password_needed() };
    else await this.#send();
  }

  #send(): Promise<void> {
    return this.#try(async () => {
      const answer = await this.#calls.login(this.email.trim(), this.password);
      if ('token' in answer) this.#ask(answer);
      else await this.#calls.adopt(answer);
    });
  }

  #ask(pending: PendingSignIn): void {
    this.second = new SecondFactor(pending, this.#calls.factor, (auth) => this.#calls.adopt(auth));
  }

  async #try(work: () => Promise<void>): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.errors = {};
    this.message = '';
    try {
      await work();
    } catch (reason) {
      this.errors = fieldErrors(reason);
      this.message = Object.keys(this.errors).length > 0 ? '' : words(reason);
    } finally {
      this.busy = false;
    }
  }
}

function words(reason: unknown): string {
  return gaveUp(reason) ? m.account_passkey_given_up() : readable(reason);
}
