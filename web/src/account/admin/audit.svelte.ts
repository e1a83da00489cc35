import { ok, Problem, type Api } from '../../base/api';
import { save } from '../../base/ui/download';
import { Form } from '../../base/ui/form.svelte';
import { Pages } from '../../base/ui/pages.svelte';
import { span, type Entry } from './audit';

/** A null field, and "", lets all pass. */
export interface AuditFilter {
  /** Who did it: a user's id, or "operator". */
  actor: string | null;
  /** Whom it concerns, or who did it. */
  user: string | null;
  entity: string | null;
  /** Plain days, both counted in. */
  from: string;
  to: string;
}

/** Who did what to accounts, newest first. */
export class Audit {
  filter = $state.raw<AuditFilter>({ actor: null, user: null, entity: null, from: '', to: '' });
  readonly pages: Pages<Entry & { id: string }>;
  readonly exporting = new Form([]);

  readonly #send: (request: Request) => Promise<Response>;
  #count = 0;

  /** `send` adds the bearer token; the typed client reads JSON only. */
  constructor(api: Api, send: (request: Request) => Promise<Response>, user: string | null = null) {
    this.#send = send;
    this.filter = { ...this.filter, user };
    this.pages = new Pages(() => {
      const asked = this.#query();
      return async (cursor) => {
        const query = { ...asked, ...(cursor && { cursor }) };
        const { items, nextCursor } = await ok(api.GET('/api/admin/audit', { params: { query } }));
        // The trail has no ids, and one deed may leave several entries of one moment.
        return { items: items.map((entry) => ({ ...entry, id: String(++this.#count) })), nextCursor };
      };
    });
  }

  get narrowed(): boolean {
    return Object.values(this.filter).some(Boolean);
  }

  narrow(change: Partial<AuditFilter>): Promise<void> {
    this.filter = { ...this.filter, ...change };
    return this.pages.first();
  }

  clear(): Promise<void> {
    return this.narrow({ actor: null, user: null, entity: null, from: '', to: '' });
  }

  /** All that fits the filter, as a file. The address holds no token, so the page fetches it. */
  export(): Promise<boolean> {
    return this.exporting.send(async () => {
      const query = new URLSearchParams(this.#query());
      const answer = await this.#send(new Request(`${location.origin}/api/admin/audit.csv?${query}`));
      if (!answer.ok) throw await Problem.from(answer);
      save('audit.csv', 'text/csv', await answer.text());
    });
  }

  #query(): Record<string, string> {
    const { actor, user, entity, from, to } = this.filter;
    return { ...(actor && { actor }), ...(user && { user }), ...(entity && { entity }), ...span(from, to) };
  }
}
