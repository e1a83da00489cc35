/**
 * What outlives a reload, in IndexedDB, per user: the cache of rows (dropped at will) and the queue of mutations
 * (never dropped but by its owner). Both go with signing out.
 */
export { schemaOf, StoredCache, type Cached } from './cache';
export { MemoryQueue, OpeningQueue, StoredQueue } from './queue';
