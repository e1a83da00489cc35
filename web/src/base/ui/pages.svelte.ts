interface Answer<T> {
  items: readonly T[];
  nextCursor: string | null;
}

/**
 * A list that the server gives page by page. Whoever asks anew hears no more of what was asked before; until then
 * all pages are of what was asked for at the first, whatever somebody is typing.
 */
export class Pages<T, A extends Answer<T> = Answer<T>> {
  list = $state.raw<readonly T[]>([]);
  loading = $state(true);
  error = $state.raw<unknown>(null);
  /** There is another page. */
  more = $state(false);
  /** The last one that was taken, with whatever it says of the whole. */
  answer = $state.raw<A | null>(null);

  #cursor: string | null = null;
  #round = 0;
  #read: ((cursor: string | null) => Promise<A>) | undefined;
  readonly #ask: () => (cursor: string | null) => Promise<A>;

  /** `ask` says for each first page what is asked for, and returns how its pages are read. */
  constructor(ask: () => (cursor: string | null) => Promise<A>) {
    this.#ask = ask;
  }

  /** Reads the first page; what was there stays until it has come. */
  first(): Promise<void> {
    this.#cursor = null;
    this.#read = undefined;
    return this.next();
  }

  async next(): Promise<void> {
    const round = ++this.#round;
    const cursor = this.#cursor;
    this.loading = true;
    this.error = null;
    try {
      const answer = await (this.#read ??= this.#ask())(cursor);
      if (round !== this.#round) return;
      const { items, nextCursor } = (this.answer = answer);
      this.list = cursor === null ? items : [...this.list, ...items];
      this.#cursor = nextCursor;
      this.more = nextCursor !== null;
    } catch (reason) {
      if (round === this.#round) this.error = reason;
    } finally {
      if (round === this.#round) this.loading = false;
    }
  }
}
