import { m } from '../base/i18n';
import type { Entity } from '../base/sync';

/**
 * Everybody who has an account here, or had one: id and name, no address. Lives in the scope "org".
 * Somebody who was deleted has no name any more; what they wrote still points at them.
 */
export interface Person {
  readonly id: string;
  readonly displayName: string;
  readonly deleted?: boolean;
}

export const people: Entity<Person> = { name: 'person', schema: 2 };
export const ORG = 'org';

/** The person with a name to show. */
export function named(person: Person): Person {
  return person.deleted ? { ...person, displayName: m.account_deleted() } : person;
}
