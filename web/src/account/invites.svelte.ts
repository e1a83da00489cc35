import { ok, uuid, type Api } from '../base/api';
import { today } from '../base/ui/dates';
import { Pages } from '../base/ui/pages.svelte';
import type { Confirmation } from './confirmation.svelte';

export interface Invite {
  id: string;
  email: string | null;
  role: 'user' | 'admin';
  /** What other slices promise; each knows its own. */
  grants: unknown;
  createdAt: string;
  expiresAt: string | null;
  usedAt: string | null;
  revokedAt: string | null;
}

export interface InviteDraft {
  email: string;
  role: 'user' | 'admin';
  /** Days from now; null for never. */
  days: number | null;
  /** What other slices promise. */
  grants: readonly unknown[];
}

/** A link that is shown this once. */
export interface FreshInvite {
  id: string;
  url: string;
  /** Whom it was sent to as well; null when it was not. */
  mailedTo: string | null;
}

export type InviteState = 'open' | 'used' | 'revoked' | 'expired';

export function stateOf(invite: Invite, now = new Date()): InviteState {
  if (invite.usedAt) return 'used';
  if (invite.revokedAt) return 'revoked';
  return invite.expiresAt && new Date(invite.expiresAt) <= now ? 'expired' : 'open';
}

/** The end of the day that many days from now: what people mean by "in 7 days". */
export function expiry(days: number | null, now = new Date()): string | null {
  if (days === null) return null;
  const day = new Date(`${today(now)}T23:59:59`);
  day.setDate(day.getDate() + days);
  return day.toISOString();
}

/** The promises of an invite, one by one. */
export function grantsOf({ grants }: Invite): readonly unknown[] {
  return Array.isArray(grants) ? grants : [];
}

/** How long the new link of an expired invite is good, in days. */
const AGAIN = 7;

/** The invites of this place, newest first, page by page. */
export class Invites {
  readonly pages: Pages<Invite>;
  /** The link of the invite that was just made or renewed; it cannot be had again. */
  fresh = $state.raw<FreshInvite | null>(null);

  readonly #api: Api;
  readonly #confirmation: Confirmation;

  constructor(api: Api, confirmation: Confirmation) {
    this.#api = api;
    this.#confirmation = confirmation;
    this.pages = new Pages(
      () => (cursor) => ok(api.GET('/api/invites', { params: { query: cursor ? { cursor } : {} } })),
    );
  }

  /** One that makes an admin asks for a proof of identity, and so does its new link. Throws Problem. */
  async create({ email, role, days, grants }: InviteDraft): Promise<void> {
    const params = { header: { 'Idempotency-Key': uuid() } };
    const body = {
      email: email.trim() || null,
      role,
      expiresAt: expiry(days),
      ...(grants.length > 0 && { grants }),
    };
    const made = await this.#confirmation.run(() => ok(this.#api.POST('/api/invites', { params, body })));
    this.#hand(made);
    this.pages.list = [made, ...this.pages.list];
  }

  /** A new link in place of the one before. One that has expired is good for a week again. Throws Problem. */
  async renew(invite: Invite): Promise<void> {
    const expiresAt = stateOf(invite) === 'expired' ? expiry(AGAIN) : null;
    const params = { path: { id: invite.id }, header: { 'Idempotency-Key': uuid() } };
    const body = expiresAt ? { expiresAt } : {};
    const made = await this.#confirmation.run(() => ok(this.#api.POST('/api/invites/{id}/renew', { params, body })));
    this.#hand(made);
    this.#show(made);
  }

  /** Throws Problem. */
  async revoke(invite: Invite): Promise<void> {
    const { id } = invite;
    await ok(
      this.#api.DELETE('/api/invites/{id}', { params: { path: { id }, header: { 'Idempotency-Key': uuid() } } }),
    );
    this.#show({ ...invite, revokedAt: new Date().toISOString() });
    if (this.fresh?.id === id) this.fresh = null;
  }

  #hand({ id, url, mailed, email }: { id: string; url: string; mailed: boolean; email: string | null }): void {
    this.fresh = { id, url, mailedTo: mailed ? email : null };
  }

  #show(invite: Invite): void {
    this.pages.list = this.pages.list.map((old) => (old.id === invite.id ? invite : old));
  }
}
