import { isNetwork, type Api } from '../../base/api';
import { ask, type Answer } from './hit';

const PAUSE_MS = 120;
const MOST = 40;

export type Stage = 'idle' | 'asking' | 'there' | 'offline' | 'unanswered';

/**
 * Asks the server for what only it can search, after a short pause in the typing. An answer to what was typed before
 * stays until the next one comes; whoever types on hears no more of it.
 */
export class Finder {
  stage = $state<Stage>('idle');
  answer = $state.raw<Answer | null>(null);

  readonly #api: Api;
  #typed = '';
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asking: AbortController | null = null;

  constructor(api: Api) {
    this.#api = api;
  }

  look(typed: string): void {
    this.stop();
    this.#typed = typed;
    if (typed.trim() === '') {
      this.stage = 'idle';
      this.answer = null;
      return;
    }
    this.stage = 'asking';
    this.#timer = setTimeout(() => void this.#ask(), PAUSE_MS);
  }

  /** Asks once more, now. */
  again(): void {
    this.stop();
    this.stage = 'asking';
    void this.#ask();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#asking?.abort();
  }

  async #ask(): Promise<void> {
    const asking = (this.#asking = new AbortController());
    try {
      const answer = await ask(this.#api, this.#typed, MOST, null, asking.signal);
      if (asking.signal.aborted) return;
      this.answer = answer;
      this.stage = 'there';
    } catch (reason) {
      if (asking.signal.aborted) return;
      this.answer = null;
      this.stage = isNetwork(reason) ? 'offline' : 'unanswered';
    }
  }
}
