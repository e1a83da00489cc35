import { ok, type Api } from '../../base/api';

/** What a key of another tracker looks like: "XD-12", or the beginning of one. */
const KEY = /^[\p{L}\d_]+-\d+$/u;
const PAUSE_MS = 150;

/**
 * Finds imported issues by the key that they had before. Only the server knows those keys; it is asked when what
 * was typed looks like one.
 */
export class SourceKeys {
  /** The ids of the issues that have the key. */
  found = $state.raw<ReadonlySet<string>>(new Set());
  readonly #api: Api;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asked = '';

  constructor(api: Api) {
    this.#api = api;
  }

  /** Asks after a short pause in the typing; what was found for another text or project is forgotten at once. */
  look(project: string | undefined, text: string): void {
    const typed = text.trim();
    const question = `${project ?? ''} ${typed}`; // the text may be there before the project: a link, a reload
    if (question === this.#asked) return;
    this.#asked = question;
    clearTimeout(this.#timer);
    if (this.found.size > 0) this.found = new Set();
    if (project && KEY.test(typed)) this.#timer = setTimeout(() => void this.#ask(project, typed, question), PAUSE_MS);
  }

  async #ask(key: string, typed: string, question: string): Promise<void> {
    const params = { path: { key }, query: { q: typed, limit: 200 } };
    const page = await ok(this.#api.GET('/api/projects/{key}/issues', { params })).catch(() => null);
    if (page && this.#asked === question) this.found = new Set(page.items.map(({ id }) => id));
  }
}
