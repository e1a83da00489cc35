/** Accounts: signing up by invite, signing in, one's own settings, and what admins do about all of them. */
import type { Feature } from '../base/feature';
import { m } from '../base/i18n';
import { ORG, people } from './account';

export { named, ORG, people, type Person } from './account';

const invites = { load: () => import('./admin/InvitesPage.svelte') };
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
    '/admin/users': { load: () => import('./admin/UsersPage.svelte') },
    '/admin/invites': invites,
    '/admin/audit': { load: () => import('./admin/AuditPage.svelte') },
    '/admin/settings': { load: () => import('./admin/SettingsPage.svelte') },
    '/admin': { load: () => import('./admin/UsersPage.svelte') },
    '/invites': invites,
  },
  settings: '/settings',
  nav: (me) => (me.role === 'admin' ? [{ href: '/admin', label: m.account_admin(), icon: 'key' }] : []),
  scopes: () => [ORG],
  entities: [people],
};
