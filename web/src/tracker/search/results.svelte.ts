import type { Api } from '../../base/api';
import { Pages } from '../../base/ui/pages.svelte';
import { ask, type Hit } from './hit';

const PAUSE_MS = 200;
const PAGE = 50;

/** A hit as a list keeps it. */
export type Found = Hit & { id: string };

/** All that was found, page by page. */
export class Results {
  readonly pages: Pages<Found>;
  found = $state(0);
  /** There are older ones, which were not looked at. */
  more = $state(false);
  /** What was asked for; null before anything was. */
  text = $state<string | null>(null);

  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(api: Api) {
    this.pages = new Pages(async (cursor) => {
      const { items, nextCursor, found, more } = await ask(api, this.text ?? '', PAGE, cursor);
      this.found = found;
      this.more = more;
      return { items: items.map((hit) => ({ ...hit, id: hit.commentId ?? hit.issueId })), nextCursor };
    });
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
