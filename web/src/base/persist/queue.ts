import { deleteDatabase, openDatabase, result, transact } from '../idb';
import type { Pending, Queue, Refusal } from '../sync';

const NAME = 'peisear.queue';

interface Stored {
  /** Given by the database: the order over all tabs. */
  n?: number;
  tx: string;
  pending: Pending;
}

/** The mutations that wait, and what the server refused of them, in a database of their own. */
export class StoredQueue implements Queue {
  readonly #db: IDBDatabase;

  private constructor(db: IDBDatabase) {
    this.#db = db;
  }

  static async open(user: string): Promise<StoredQueue> {
    const db = await openDatabase(`${NAME}.${user}`, 1, (fresh) => {
      fresh
        .createObjectStore('pending', { keyPath: 'n', autoIncrement: true })
        .createIndex('tx', 'tx', { unique: true });
      fresh.createObjectStore('refused', { keyPath: 'pending.tx' });
    });
    return new StoredQueue(db);
  }

  async load(): Promise<Pending[]> {
    const all = await transact(this.#db, 'pending', 'readonly', (tx) => result(tx.objectStore('pending').getAll()));
    return (all as Stored[]).map(({ pending }) => pending);
  }

  put(pending: Pending): Promise<void> {
    return transact(this.#db, 'pending', 'readwrite', async (tx) => {
      const store = tx.objectStore('pending');
      const n = await result(store.index('tx').getKey(pending.tx));
      store.put({ tx: pending.tx, pending, ...(n === undefined ? {} : { n: n as number }) } satisfies Stored);
    });
  }

  remove(mutation: string): Promise<void> {
    return transact(this.#db, 'pending', 'readwrite', async (tx) => {
      const store = tx.objectStore('pending');
      const n = await result(store.index('tx').getKey(mutation));
      if (n !== undefined) store.delete(n);
    });
  }

  refuse(refusal: Refusal): Promise<void> {
    return transact(this.#db, 'refused', 'readwrite', (tx) => void tx.objectStore('refused').put(refusal));
  }

  /** What was refused and not yet settled by the user, oldest first. */
  async refusals(): Promise<Refusal[]> {
    const all = await transact(this.#db, 'refused', 'readonly', (tx) => result(tx.objectStore('refused').getAll()));
    return (all as Refusal[]).sort((a, b) => (a.pending.at < b.pending.at ? -1 : 1));
  }

  settle(mutation: string): Promise<void> {
    return transact(this.#db, 'refused', 'readwrite', (tx) => tx.objectStore('refused').delete(mutation)).then(
      () => undefined,
    );
  }

  close(): void {
    this.#db.close();
  }

  static delete(user: string): Promise<void> {
    return deleteDatabase(`${NAME}.${user}`);
  }
}

/** A queue that is still being opened. */
export class OpeningQueue implements Queue {
  readonly #queue: Promise<Queue>;

  constructor(queue: Promise<Queue>) {
    this.#queue = queue;
  }

  async load(): Promise<Pending[]> {
    return (await this.#queue).load();
  }

  async put(pending: Pending): Promise<void> {
    return (await this.#queue).put(pending);
  }

  async remove(tx: string): Promise<void> {
    return (await this.#queue).remove(tx);
  }

  async refuse(refusal: Refusal): Promise<void> {
    return (await this.#queue).refuse(refusal);
  }
}

/** For browsers that keep nothing: waits in memory only. */
export class MemoryQueue implements Queue {
  readonly #pending = new Map<string, Pending>();

  load(): Promise<Pending[]> {
    return Promise.resolve([...this.#pending.values()]);
  }

  put(pending: Pending): Promise<void> {
    this.#pending.set(pending.tx, pending);
    return Promise.resolve();
  }

  remove(tx: string): Promise<void> {
    this.#pending.delete(tx);
    return Promise.resolve();
  }

  refuse(): Promise<void> {
    return Promise.resolve();
  }
}
