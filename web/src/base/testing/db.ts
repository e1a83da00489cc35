import { deleteDatabase } from '../idb';

/** Deletes everything that a browser keeps, between tests. */
export async function emptyBrowser(): Promise<void> {
  localStorage.clear();
  for (const { name } of await indexedDB.databases()) if (name) await deleteDatabase(name);
}
