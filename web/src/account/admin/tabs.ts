import type { Feature } from '../../base/feature';
import { m } from '../../base/i18n';
import type { NavLink } from '../../base/ui/shell';

/** The pages of administration: about accounts, and those that other slices bring. */
export function adminTabs(features: readonly Feature[]): NavLink[] {
  return [
    { href: '/admin/users', label: m.account_users(), icon: 'people' },
    { href: '/admin/invites', label: m.account_invites(), icon: 'ticket' },
    ...features.flatMap(({ admin }) => admin?.tabs?.() ?? []),
    { href: '/admin/audit', label: m.account_audit(), icon: 'list' },
    { href: '/admin/settings', label: m.account_settings(), icon: 'gear' },
  ];
}
