import { ok, uuid, type Api } from '../base/api';
import { today } from '../base/ui/dates';

export interface Invite {
  id: string;
  email: string | null;
  role: 'user' | 'admin';
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

/** The invites of this place, newest first, page by page. */
export class Invites {
  list = $state.raw<readonly Invite[]>([]);
  loading = $state(true);
  error = $state.raw<unknown>(null);
  more = $state(false);
  /** The link of the invite that was just made; it cannot be had again. */
  fresh = $state.raw<{ id: string; url: string } | null>(null);

  #cursor: string | null = null;
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  async load(): Promise<void> {
    this.loading = true;
    this.error = null;
    try {
      const query = this.#cursor ? { cursor: this.#cursor } : {};
      const page = await ok(this.#api.GET('/api/invites', { params: { query } }));
      this.list = [...this.list, ...page.items];
      this.#cursor = page.nextCursor;
      this.more = page.nextCursor !== null;
    } catch (reason) {
      this.error = reason;
    } finally {
      this.loading = false;
    }
  }

  /** Throws Problem. */
  async create(draft: InviteDraft): Promise<void> {
    const made = await ok(
      this.#api.POST('/api/invites', {
        params: { header: { 'Idempotency-Key': uuid() } },
        body: { email: draft.email.trim() || null, role: draft.role, expiresAt: expiry(draft.days) },
      }),
    );
    this.list = [made, ...this.list];
    this.fresh = { id: made.id, url: made.url };
  }

  /** Throws Problem. */
  async revoke(id: string): Promise<void> {
    await ok(
      this.#api.DELETE('/api/invites/{id}', { params: { path: { id }, header: { 'Idempotency-Key': uuid() } } }),
    );
    const revokedAt = new Date().toISOString();
    this.list = this.list.map((invite) => (invite.id === id ? { ...invite, revokedAt } : invite));
    if (this.fresh?.id === id) this.fresh = null;
  }
}
