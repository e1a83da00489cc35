import { openDatabase, result, transact } from '../idb';
import { uuid } from './uuid';
import type { Me } from './session';

/**
 * What outlives a tab and is no secret: who was signed in last (to open their cache before any network) and the
 * id of the refresh that is under way. Tokens never come here.
 */
export class Vault {
  readonly #db: Promise<IDBDatabase | null>;
  /** For browsers that keep nothing. */
  readonly #memory = new Map<string, unknown>();

  constructor(name = 'peisear') {
    this.#db = openDatabase(name, 1, (db) => db.createObjectStore('kept')).catch(() => null);
  }

  /** The id of the attempt under way; makes one in the same transaction when there is none, so that tabs agree. */
  async attempt(): Promise<string> {
    const fresh = uuid();
    return this.#edit<string>('attempt', (kept) => kept ?? fresh);
  }

  /** The attempt was answered; another tab may have begun the next one since. */
  async answered(attempt: string): Promise<void> {
    await this.#edit<string | undefined>('attempt', (kept) => (kept === attempt ? undefined : kept));
  }

  me(): Promise<Me | undefined> {
    return this.#edit<Me | undefined>('me', (kept) => kept);
  }

  async remember(me: Me | undefined): Promise<void> {
    await this.#edit<Me | undefined>('me', () => me);
  }

  async close(): Promise<void> {
    (await this.#db)?.close();
  }

  async #edit<T>(key: string, change: (kept: T | undefined) => T): Promise<T> {
    const db = await this.#db;
    if (!db) {
      const value = change(this.#memory.get(key) as T | undefined);
      this.#memory.set(key, value);
      return value;
    }
    return transact(db, 'kept', 'readwrite', async (tx) => {
      const store = tx.objectStore('kept');
      const kept = (await result(store.get(key))) as T | undefined;
      const value = change(kept);
      if (value === undefined) store.delete(key);
      else if (value !== kept) store.put(value, key);
      return value;
    });
  }
}
