import { m } from '../base/i18n';
import { Problem, type Auth } from '../base/api';
import { readable } from '../base/ui/problem';
import { gaveUp } from './webauthn';

export type FactorMethod = 'totp' | 'passkey' | 'recovery';

/** A sign-in that lacks its second factor. */
export interface PendingSignIn {
  token: string;
  methods: readonly FactorMethod[];
}

/** The calls that a second factor takes. Each answers the session. */
export interface FactorCalls {
  code(method: 'totp' | 'recovery', token: string, code: string): Promise<Auth>;
  passkey(token: string): Promise<Auth>;
}

const METHODS: readonly FactorMethod[] = ['totp', 'passkey', 'recovery'];

/** Keeps the ways that this page knows, in its order. */
export function knownMethods(named: readonly string[]): FactorMethod[] {
  return METHODS.filter((method) => named.includes(method));
}

/** What a provider's way back put behind the address: #factor=…&methods=totp,passkey. */
export function pendingOf(hash: string): PendingSignIn | null {
  const parts = new URLSearchParams(hash.replace(/^#/u, ''));
  const token = parts.get('factor');
  return token ? { token, methods: knownMethods((parts.get('methods') ?? '').split(',')) } : null;
}

/** The second step of signing in. */
export class SecondFactor {
  readonly methods: readonly FactorMethod[];
  method = $state<FactorMethod>('totp');
  code = $state('');
  busy = $state(false);
  message = $state('');
  /** The sign-in took too long or too many tries: only beginning again helps. */
  over = $state(false);

  readonly #token: string;
  readonly #calls: FactorCalls;
  readonly #done: (auth: Auth) => Promise<void>;

  constructor(pending: PendingSignIn, calls: FactorCalls, done: (auth: Auth) => Promise<void>) {
    this.#token = pending.token;
    this.methods = pending.methods.length > 0 ? pending.methods : METHODS;
    this.method = this.methods[0] ?? 'totp';
    this.#calls = calls;
    this.#done = done;
  }

  choose(method: FactorMethod): void {
    this.method = method;
    this.code = '';
    this.message = '';
  }

  async submit(): Promise<void> {
    const { method } = this;
    if (method === 'passkey') return this.#try(() => this.#calls.passkey(this.#token));
    const code = this.code.trim();
    if (!code) this.message = m.account_code_of_factor_needed();
    else await this.#try(() => this.#calls.code(method, this.#token, code));
  }

  async #try(proof: () => Promise<Auth>): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.message = '';
    try {
      await this.#done(await proof());
    } catch (reason) {
      this.message = gaveUp(reason) ? m.account_passkey_given_up() : readable(reason);
      this.over = reason instanceof Problem && reason.code === 'sign_in_over';
      this.code = '';
    } finally {
      this.busy = false;
    }
  }
}
