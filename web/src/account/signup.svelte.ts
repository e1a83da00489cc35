import { m } from '../base/i18n';
import { trimmed } from '../base/ui/blank';
import { fieldErrors, readable } from '../base/ui/problem';
import type { Options } from './login.svelte';
import { MAX_PASSWORD, MIN_PASSWORD } from './password';

/** What an invite says about the account it opens. */
export interface Invite {
  valid: boolean;
  /** Bound to this address; null leaves it to the person. */
  email: string | null;
  role: 'user' | 'admin';
}

export interface SignupInput {
  code: string;
  email: string;
  password: string;
  displayName: string;
}

/** The calls that signing up takes. */
export interface SignupCalls {
  options(): Promise<Options>;
  check(code: string): Promise<Invite>;
  signUp(input: SignupInput): Promise<void>;
}

/**
 * Signing up: first the invite, then the account; where registration is open, the account at once, and an invite for
 * those who have one. What was typed stays whatever the server answers.
 */
export class Signup {
  /** Asking: it is not known yet what comes first. */
  step = $state<'asking' | 'invite' | 'account'>('asking');
  /** Whether it goes without an invite. */
  open = $state(false);
  busy = $state(false);
  code = $state('');
  email = $state('');
  displayName = $state('');
  password = $state('');
  invite = $state.raw<Invite | null>(null);
  /** Who else can vouch for somebody. */
  providers = $state.raw<Options['providers']>([]);
  /** By field: code, email, displayName, password. */
  errors = $state.raw<Record<string, string>>({});
  /** What is about no field. */
  message = $state('');

  #calls: SignupCalls;

  constructor(calls: SignupCalls, code = '') {
    this.#calls = calls;
    this.code = code;
  }

  /** Finds out what to ask for. A code of the link is checked meanwhile. */
  async begin(): Promise<void> {
    if (this.code) this.step = 'invite';
    await Promise.all([this.#ask(), this.code && this.checkInvite()]);
  }

  async checkInvite(): Promise<void> {
    const code = this.code.trim();
    if (!code) {
      this.errors = { code: m.account_code_needed() };
      return;
    }
    await this.#try(async () => {
      const invite = await this.#calls.check(code);
      if (!invite.valid) {
        this.errors = { code: m.account_code_unusable() };
        return;
      }
      this.invite = invite;
      if (invite.email) this.email = invite.email;
      this.step = 'account';
    });
  }

  /** Asks for another code and keeps the rest. */
  back(): void {
    this.invite = null;
    this.errors = {};
    this.message = '';
    this.step = 'invite';
  }

  /** Goes on without an invite, where that is possible. */
  skip(): void {
    this.back();
    this.code = '';
    this.step = 'account';
  }

  async signUp(): Promise<void> {
    this.errors = this.#check();
    if (Object.keys(this.errors).length > 0) return;
    await this.#try(() =>
      this.#calls.signUp({
        code: this.code.trim(),
        email: this.email.trim(),
        password: this.password,
        displayName: trimmed(this.displayName),
      }),
    );
  }

  async #ask(): Promise<void> {
    // Without an answer it is as most servers have it; signing up says more.
    const options = await this.#calls.options().catch(() => null);
    this.open = options?.open ?? false;
    this.providers = options?.providers ?? [];
    if (this.step === 'asking') this.step = this.open ? 'account' : 'invite';
  }

  #check(): Record<string, string> {
    const errors: Record<string, string> = {};
    if (!trimmed(this.displayName)) errors.displayName = m.account_name_needed();
    if (!/^\S+@\S+$/u.test(this.email.trim())) errors.email = m.account_email_needed();
    const length = [...this.password].length;
    if (length < MIN_PASSWORD) errors.password = m.account_password_short({ min: MIN_PASSWORD });
    if (length > MAX_PASSWORD) errors.password = m.account_password_long({ max: MAX_PASSWORD });
    return errors;
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
      const known = ['code', 'email', 'displayName', 'password'].some((field) => field in this.errors);
      if (!known) this.message = readable(reason);
      // The invite was used up or withdrawn since it was checked.
      if (this.errors.code) this.step = 'invite';
    } finally {
      this.busy = false;
    }
  }
}
