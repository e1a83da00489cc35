import { Problem } from '../base/api';
import { m } from '../base/i18n';
import { fieldErrors, readable } from '../base/ui/problem';

export interface LoginCalls {
  /** Whether an account needs no invite. */
  open(): Promise<boolean>;
  login(email: string, password: string): Promise<void>;
}

/** Signing in. A refusal keeps what was typed and never tells which of the two did not match. */
export class Login {
  email = $state('');
  password = $state('');
  busy = $state(false);
  errors = $state.raw<Record<string, string>>({});
  message = $state('');
  /** Whether an account needs no invite; null while that is not known. */
  open = $state<boolean | null>(null);

  #calls: LoginCalls;

  constructor(calls: LoginCalls) {
    this.#calls = calls;
  }

  /** Finds out what to say to those who have no account. */
  async begin(): Promise<void> {
    this.open = await this.#calls.open().catch(() => null);
  }

  async submit(): Promise<void> {
    if (this.busy) return;
    this.errors = {};
    this.message = '';
    if (!this.email.trim()) this.errors = { email: m.account_email_needed() };
    else if (!this.password) this.errors = { password: m.account_password_needed() };
    else await this.#send();
  }

  async #send(): Promise<void> {
    this.busy = true;
    try {
      await this.#calls.login(this.email.trim(), this.password);
    } catch (reason) {
      const refused = reason instanceof Problem && reason.status === 401;
      this.errors = refused ? {} : fieldErrors(reason);
      this.message = refused ? m.account_no_match() : readable(reason);
    } finally {
      this.busy = false;
    }
  }
}
