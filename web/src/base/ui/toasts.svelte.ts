/** What happened, said once at the edge of the screen. */
export interface Toast {
  id: number;
  text: string;
  tone: 'plain' | 'alert';
  action?: { label: string; run: () => void };
}

const SHOWN_MS = 6_000;

/** The messages on screen. A message that can be acted on, or that reports a refusal, stays longer. */
export class Toasts {
  list = $state.raw<readonly Toast[]>([]);
  #next = 1;
  #timers = new Map<number, ReturnType<typeof setTimeout>>();

  show(text: string, options: { tone?: Toast['tone']; action?: Toast['action'] } = {}): number {
    const id = this.#next++;
    const { tone = 'plain', action } = options;
    this.list = [...this.list.slice(-3), action ? { id, text, tone, action } : { id, text, tone }];
    this.#arm(id, tone === 'alert' || action ? SHOWN_MS * 2 : SHOWN_MS);
    return id;
  }

  alert(text: string): number {
    return this.show(text, { tone: 'alert' });
  }

  dismiss(id: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    this.list = this.list.filter((toast) => toast.id !== id);
  }

  /** Whoever reads (pointer over it, focus in it) keeps the message. */
  hold(id: number): void {
    clearTimeout(this.#timers.get(id));
  }

  release(id: number): void {
    this.#arm(id, SHOWN_MS);
  }

  #arm(id: number, ms: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.set(
      id,
      setTimeout(() => this.dismiss(id), ms),
    );
  }
}
