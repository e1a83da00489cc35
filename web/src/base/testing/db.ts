import { deleteDatabase } from '../idb';

/** Deletes every database, between tests. */
export async function emptyBrowser(): Promise<void> {
  for (const { name } of await indexedDB.databases()) if (name) await deleteDatabase(name);
}
