/** Accounts: signing up by invite, signing in, and the invites that admins make. */
import type { Feature } from '../base/feature';
import { m } from '../base/i18n';
import { ORG, people } from './account';

export { named, ORG, people, type Person } from './account';

const signup = { load: () => import('./SignupPage.svelte'), guest: true };

export const account: Feature = {
  name: 'account',
  routes: {
    '/login': { load: () => import('./LoginPage.svelte'), guest: true },
    '/signup': signup,
    '/register': signup,
    '/forgot': { load: () => import('./ForgotPage.svelte'), guest: true },
    // Links from mails lead here whoever is signed in.
    '/reset': { load: () => import('./ResetPage.svelte'), anybody: true },
    '/verify': { load: () => import('./VerifyPage.svelte'), anybody: true },
    '/settings': { load: () => import('./settings/ProfilePage.svelte') },
    '/settings/security': { load: () => import('./settings/SecurityPage.svelte') },
    '/settings/tokens': { load: () => import('./settings/TokensPage.svelte') },
    '/invites': { load: () => import('./InvitesPage.svelte') },
  },
  settings: '/settings',
  nav: (me) => (me.role === 'admin' ? [{ href: '/invites', label: m.account_invites(), icon: 'ticket' }] : []),
  scopes: () => [ORG],
  entities: [people],
};
