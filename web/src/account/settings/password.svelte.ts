import { ok, type Api } from '../../base/api';
import { m } from '../../base/i18n';
import { Form } from '../../base/ui/form.svelte';
import type { Confirmation } from '../confirmation.svelte';
import { MAX_PASSWORD, MIN_PASSWORD } from '../password';

/** What is wrong with a password by itself; undefined when nothing is. */
export function passwordProblem(password: string): string | undefined {
  const { length } = [...password];
  if (length < MIN_PASSWORD) return m.account_password_short({ min: MIN_PASSWORD });
  return length > MAX_PASSWORD ? m.account_password_long({ max: MAX_PASSWORD }) : undefined;
}

/** Another password, or the first of an account that has none. All other sessions end with it; API tokens may. */
export class PasswordChange {
  current = $state('');
  password = $state('');
  endTokens = $state(false);
  readonly form = new Form(['current', 'password']);

  readonly #api: Api;
  readonly #confirmation: Confirmation;

  constructor(api: Api, confirmation: Confirmation) {
    this.#api = api;
    this.#confirmation = confirmation;
  }

  /** Answers whether the password is another one now. */
  async submit(hasPassword: boolean): Promise<boolean> {
    const problem = passwordProblem(this.password);
    if (hasPassword && !this.current) this.form.refuse({ current: m.account_password_needed() });
    else if (problem) this.form.refuse({ password: problem });
    else return this.#send(hasPassword ? { current: this.current } : {});
    return false;
  }

  async #send(current: { current?: string }): Promise<boolean> {
    const body = { ...current, password: this.password, endTokens: this.endTokens };
    const sent = await this.form.send(() =>
      this.#confirmation.run(async () => {
        await ok(this.#api.POST('/api/account/password', { body }));
      }),
    );
    if (sent) {
      this.current = this.password = '';
      this.endTokens = false;
    }
    return sent;
  }
}
