import { ok, uuid, type Api } from '../../base/api';
import { Form } from '../../base/ui/form.svelte';
import { Pages } from '../../base/ui/pages.svelte';
import type { Confirmation } from '../confirmation.svelte';

export interface User {
  id: string;
  email: string;
  displayName: string;
  role: 'user' | 'admin';
  disabled: boolean;
  createdAt: string;
  /** Null for never. */
  lastSeenAt: string | null;
  /** Second factors: totp, passkey. */
  factors: readonly string[];
  /** Of identities that are linked, by id. */
  providers: readonly string[];
  version: number;
}

export type Status = 'active' | 'disabled' | null;

/** What becomes of the work of somebody who is deleted. */
export interface Legacy {
  work: 'unassign' | 'hand_over';
  heirId: string | null;
}

/** How long a search waits for the next letter, in ms. */
const PAUSE = 200;

/** Everybody who has an account here, by name. */
export class Users {
  text = $state('');
  status = $state.raw<Status>(null);
  readonly pages: Pages<User>;
  readonly deleting = new Form(['work', 'heirId']);
  /** Names of providers by id, as far as they are known. */
  providers = $state.raw<ReadonlyMap<string, string>>(new Map());

  readonly #api: Api;
  readonly #confirmation: Confirmation;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(api: Api, confirmation: Confirmation) {
    this.#api = api;
    this.#confirmation = confirmation;
    this.pages = new Pages(() => {
      const [q, status] = [this.text.trim(), this.status];
      const asked = { ...(q && { q }), ...(status && { status }) };
      return (cursor) =>
        ok(api.GET('/api/admin/users', { params: { query: { ...asked, ...(cursor && { cursor }) } } }));
    });
  }

  /** Whether only some are asked for. */
  get narrowed(): boolean {
    return this.text.trim() !== '' || this.status !== null;
  }

  async load(): Promise<void> {
    const [, options] = await Promise.all([
      this.pages.first(),
      ok(this.#api.GET('/api/auth/options')).catch(() => null),
    ]);
    if (options) this.providers = new Map(options.providers.map(({ id, name }) => [id, name]));
  }

  /** While somebody types; the server is asked when they pause. */
  search(text: string): void {
    this.text = text;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.pages.first(), PAUSE);
  }

  narrow(status: Status): void {
    clearTimeout(this.#timer);
    this.status = status;
    void this.pages.first();
  }

  /** To make somebody an admin asks for a proof of identity. Throws Problem. */
  async change(user: User, to: { role?: User['role']; disabled?: boolean }): Promise<void> {
    const params = { path: { id: user.id }, header: { 'Idempotency-Key': uuid() } };
    const send = () => ok(this.#api.PATCH('/api/admin/users/{id}', { params, body: to }));
    this.#show(await this.#confirmation.run(send));
  }

  /** Ends all sessions. Throws Problem. */
  async signOut({ id }: User): Promise<void> {
    const params = { path: { id }, header: { 'Idempotency-Key': uuid() } };
    await ok(this.#api.POST('/api/admin/users/{id}/sign-out', { params }));
  }

  /** A link that sets a new password, once. Throws Problem. */
  resetLink({ id }: User): Promise<{ url: string; expiresAt: string }> {
    const params = { path: { id } };
    return this.#confirmation.run(() => ok(this.#api.POST('/api/admin/users/{id}/reset-link', { params })));
  }

  /** Throws Problem. */
  async resetFactors(user: User): Promise<void> {
    const params = { path: { id: user.id } };
    await this.#confirmation.run(() => ok(this.#api.POST('/api/admin/users/{id}/factors/reset', { params })));
    this.#show({ ...user, factors: [] });
  }

  /** Answers whether the user is gone. */
  remove({ id }: User, { work, heirId }: Legacy): Promise<boolean> {
    const params = { path: { id }, header: { 'Idempotency-Key': uuid() } };
    const body = heirId ? { work, heirId } : { work };
    return this.deleting.send(async () => {
      await this.#confirmation.run(() => ok(this.#api.DELETE('/api/admin/users/{id}', { params, body })));
      this.pages.list = this.pages.list.filter((user) => user.id !== id);
    });
  }

  #show(user: User): void {
    this.pages.list = this.pages.list.map((old) => (old.id === user.id ? user : old));
  }
}
