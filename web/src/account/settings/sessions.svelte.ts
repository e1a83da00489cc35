import { ok, uuid, type Api } from '../../base/api';

export interface SessionRow {
  id: string;
  current: boolean;
  device: 'computer' | 'phone' | 'tablet' | 'program' | 'unknown';
  browser: string;
  os: string;
  ip: string;
  place: string;
  method: string;
  createdAt: string;
  usedAt: string;
}

/** Where somebody is signed in. */
export class Sessions {
  list = $state.raw<readonly SessionRow[] | null>(null);
  error = $state.raw<unknown>(null);

  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  async load(): Promise<void> {
    this.error = null;
    try {
      this.list = (await ok(this.#api.GET('/api/account/sessions'))).items;
    } catch (reason) {
      this.error = reason;
    }
  }

  /** Throws Problem. */
  async end(id: string): Promise<void> {
    await ok(
      this.#api.DELETE('/api/account/sessions/{id}', {
        params: { path: { id }, header: { 'Idempotency-Key': uuid() } },
      }),
    );
    this.list = this.list?.filter((row) => row.id !== id) ?? null;
  }

  /** All but this one. Throws Problem. */
  async endOthers(): Promise<void> {
    await ok(
      this.#api.DELETE('/api/account/sessions', {
        params: { query: { keep: 'current' }, header: { 'Idempotency-Key': uuid() } },
      }),
    );
    this.list = this.list?.filter(({ current }) => current) ?? null;
  }
}
