import { ok, type Api, type Auth } from '../base/api';
import type { App } from '../base/state';
import { m } from '../base/i18n';
import type { Entity } from '../base/sync';
import type { LoginCalls } from './login.svelte';
import type { SignupCalls } from './signup.svelte';

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

/** Whether an account needs no invite here. Throws when the server cannot be reached. */
async function openRegistration(api: Api): Promise<boolean> {
  return (await ok(api.GET('/api/auth/options'))).registration === 'open';
}

/** The person with a name to show. */
export function named(person: Person): Person {
  return person.deleted ? { ...person, displayName: m.account_deleted() } : person;
}

export function signupCalls({ api, session }: App): SignupCalls {
  return {
    open: () => openRegistration(api),
    check: async (code) => {
      const { valid, email, role } = await ok(api.POST('/api/auth/signup/invite/check', { body: { code } }));
      return { valid, email: email ?? null, role: role === 'admin' ? 'admin' : 'user' };
    },
    signUp: async (body) => session.adopt((await ok(api.POST('/api/auth/signup/password', { body }))) as Auth),
  };
}

export function loginCalls({ api, session }: App): LoginCalls {
  return {
    open: () => openRegistration(api),
    login: async (email, password) =>
      session.adopt((await ok(api.POST('/api/auth/login', { body: { email, password } }))) as Auth),
  };
}
