/**
 * IndexedDB by promises, as little as is needed. A database that cannot be opened (private windows of some
 * browsers) rejects: callers go on without keeping anything.
 */
export function openDatabase(
  name: string,
  version: number,
  upgrade: (db: IDBDatabase, from: number) => void,
): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, version);
    request.onupgradeneeded = (event) => upgrade(request.result, event.oldVersion);
    request.onerror = () => reject(request.error ?? new Error('IndexedDB cannot be opened'));
    request.onsuccess = () => {
      const db = request.result;
      // Another tab deletes or upgrades it: let go, or that tab waits for ever.
      db.onversionchange = () => db.close();
      resolve(db);
    };
  });
}

/** Deletes a database; waits until every tab has let go of it. */
export function deleteDatabase(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = () => resolve();
    request.onerror = () => reject(request.error ?? new Error('IndexedDB cannot be deleted'));
  });
}

/** A request's result. */
export function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('IndexedDB request'));
  });
}

/** Runs fn inside a transaction and resolves with its value once the transaction is durable. */
export function transact<T>(
  db: IDBDatabase,
  stores: string | string[],
  mode: IDBTransactionMode,
  fn: (tx: IDBTransaction) => T | Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const tx = db.transaction(stores, mode);
    let value: T | Promise<T>;
    tx.oncomplete = () => resolve(value);
    tx.onabort = () => reject(tx.error ?? new Error('IndexedDB transaction'));
    try {
      value = fn(tx);
      if (value instanceof Promise) value.catch(() => abort(tx));
    } catch (error) {
      abort(tx);
      reject(error instanceof Error ? error : new Error(String(error)));
    }
  });
}

function abort(tx: IDBTransaction): void {
  try {
    tx.abort();
  } catch {
    // It ended already.
  }
}
