import type { Api } from '../../base/api';
import { Pages } from '../../base/ui/pages.svelte';
import { ask, type Answer, type Hit } from './hit';

const PAUSE_MS = 200;
const PAGE = 50;

/** A hit as a list keeps it. */
export type Found = Hit & { id: string };

/** All that was found, page by page. */
export class Results {
  readonly pages: Pages<Found, Answer & { items: readonly Found[] }>;
  /** What was asked for; null before anything was. */
  text = $state<string | null>(null);

  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(api: Api) {
    this.pages = new Pages(() => {
      const text = this.text ?? '';
      return async (cursor) => {
        const answer = await ask(api, text, PAGE, cursor);
        return { ...answer, items: answer.items.map((hit) => ({ ...hit, id: hit.commentId ?? hit.issueId })) };
      };
    });
  }

  get found(): number {
    return this.pages.answer?.found ?? 0;
  }

  /** There are older ones, which were not looked at. */
  get more(): boolean {
    return this.pages.answer?.more ?? false;
  }

  /** The first text is asked for at once, others after a short pause in the typing. */
  look(text: string): void {
    if (text === this.text) return;
    const first = this.text === null;
    this.text = text;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.pages.first(), first ? 0 : PAUSE_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
