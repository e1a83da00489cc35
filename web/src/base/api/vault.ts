import { openDatabase, result, transact } from '../idb';
import { uuid } from './uuid';
import type { Me } from './session';

const ATTEMPT = 'peisear.attempt';

/**
 * What outlives a tab and is no secret: who was signed in last (to open their cache before any network) and the
 * id that the next refresh is sent with. Tokens never come here.
 *
 * The attempt is kept where it can be read without waiting: at a first visit, IndexedDB answers some 50 ms after the
 * network could.
 */
export class Vault {
  readonly #db: Promise<IDBDatabase | null>;
  /** For browsers that keep nothing. */
  #me: Me | undefined;
  #attempt: string | null = null;
  /** Whether this browser was here before. */
  readonly visited: boolean;

  constructor(name = 'peisear') {
    this.#db = openDatabase(name, 1, (db) => db.createObjectStore('kept')).catch(() => null);
    this.visited = this.#kept() !== null;
  }

  /**
   * The id to refresh with: the same in all tabs, and the same again until a refresh with it was answered, so that a
   * lost answer can be asked for once more. It is kept before it is sent.
   */
  attempt(): string {
    const kept = this.#kept();
    return kept ?? this.#keep(uuid());
  }

  /**
   * The attempt was answered: the next one has another id. With locks only one tab at a time sees to that, and nobody
   * can tell the id; without, it is the same whichever tab does.
   */
  answered(attempt: string): void {
    if (this.#kept() === attempt) this.#keep('locks' in navigator ? uuid() : successor(attempt));
  }

  async me(): Promise<Me | undefined> {
    const db = await this.#db;
    if (!db) return this.#me;
    return transact(db, 'kept', 'readonly', (tx) => result<Me | undefined>(tx.objectStore('kept').get('me')));
  }

  async remember(me: Me | undefined): Promise<void> {
    const db = await this.#db;
    if (!db) this.#me = me;
    else await transact(db, 'kept', 'readwrite', (tx) => void write(tx.objectStore('kept'), me));
  }

  async close(): Promise<void> {
    (await this.#db)?.close();
  }

  #kept(): string | null {
    try {
      return localStorage.getItem(ATTEMPT) ?? this.#attempt;
    } catch {
      return this.#attempt;
    }
  }

  #keep(attempt: string): string {
    this.#attempt = attempt;
    try {
      localStorage.setItem(ATTEMPT, attempt);
    } catch {
      // A browser that keeps nothing: a lost answer can be asked for by this tab only.
    }
    return attempt;
  }
}

/**
 * The id after one: a UUID and a number. Two tabs may do this at once, because what one keeps is not there for the other
 * at once; if their next ids differed, their next refreshes would too, and the server ends a session that begins to fork.
 */
function successor(attempt: string): string {
  const [id, n] = attempt.split('.') as [string, string?];
  return `${id}.${Number(n ?? 0) + 1}`;
}

function write(store: IDBObjectStore, me: Me | undefined): IDBRequest {
  return me ? store.put(me, 'me') : store.delete('me');
}
