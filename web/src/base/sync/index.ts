/**
 * The sync engine: the server's rows held in memory by scope, kept current by its change log, with the user's own
 * mutations shown over them before they are answered. Plain TypeScript; base/store makes it readable in components,
 * base/persist keeps it over reloads, base/live brings what happens.
 */
export { readSnapshot } from './beginning';
export { Engine, type EngineOptions, type Made } from './engine';
export { type Begun, type Heads, type Keeper, type Page, type Remote } from './follow';
export { type Queue, type Told } from './outbox';
export { key, Replica } from './replica';
export type {
  Answer,
  Call,
  Change,
  Confirmed,
  Context,
  Draft,
  Entity,
  Entry,
  Index,
  Mutation,
  Pending,
  Reader,
  Refusal,
  Row,
  Snapshot,
} from './types';
