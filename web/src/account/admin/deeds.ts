/** What an admin does to an account with one press and one question. */
import { m } from '../../base/i18n';
import type { User, Users } from './users.svelte';

export type Deed = 'promote' | 'demote' | 'disable' | 'enable' | 'signOut' | 'resetFactors';

interface Words {
  /** In the menu and on the button. */
  label: () => string;
  /** What happens then; it names the person. */
  text: (about: { name: string }) => string;
  run: (users: Users, user: User) => Promise<void>;
}

export const DEEDS: Record<Deed, Words> = {
  promote: {
    label: m.account_user_promote,
    text: m.account_user_promote_text,
    run: (users, user) => users.change(user, { role: 'admin' }),
  },
  demote: {
    label: m.account_user_demote,
    text: m.account_user_demote_text,
    run: (users, user) => users.change(user, { role: 'user' }),
  },
  disable: {
    label: m.account_user_disable,
    text: m.account_user_disable_text,
    run: (users, user) => users.change(user, { disabled: true }),
  },
  enable: {
    label: m.account_user_enable,
    text: m.account_user_enable_text,
    run: (users, user) => users.change(user, { disabled: false }),
  },
  signOut: {
    label: m.account_user_sign_out,
    text: m.account_user_sign_out_text,
    run: (users, user) => users.signOut(user),
  },
  resetFactors: {
    label: m.account_user_reset_factors,
    text: m.account_user_reset_factors_text,
    run: (users, user) => users.resetFactors(user),
  },
};

/** What can be done to somebody as they are now. */
export function deedsFor(user: User): Deed[] {
  const all: Deed[] = [user.role === 'admin' ? 'demote' : 'promote', user.disabled ? 'enable' : 'disable'];
  if (!user.disabled) all.push('signOut');
  if (user.factors.length > 0) all.push('resetFactors');
  return all;
}

/** What somebody may do here, and how they sign in beside a password. */
export function factsOf(user: User, providers: ReadonlyMap<string, string>): string[] {
  const factor = (id: string) => (id === 'totp' ? m.account_totp() : id === 'passkey' ? m.account_user_passkey() : id);
  const role = user.role === 'admin' ? m.account_role_admin() : m.account_role_user();
  return [role, ...user.factors.map(factor), ...user.providers.map((id) => providers.get(id) ?? id)];
}
