/** Listeners by key; the engine's whole knowledge of a user interface. */
export class Signals {
  readonly #listeners = new Map<string, Set<() => void>>();

  on(key: string, listener: () => void): () => void {
    let set = this.#listeners.get(key);
    if (!set) this.#listeners.set(key, (set = new Set()));
    set.add(listener);
    return () => {
      set.delete(listener);
      if (set.size === 0 && this.#listeners.get(key) === set) this.#listeners.delete(key);
    };
  }

  emit(key: string): void {
    const set = this.#listeners.get(key);
    if (set) for (const listener of [...set]) listener();
  }
}
