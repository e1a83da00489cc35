/** Roles in words; apart from what they may do, which every page loads. */
import { m } from '../../base/i18n';
import type { Role } from './roles';

export function roleName(role: Role): string {
  switch (role) {
    case 'viewer':
      return m.project_role_viewer();
    case 'member':
      return m.project_role_member();
    case 'maintainer':
      return m.project_role_maintainer();
    case 'owner':
      return m.project_role_owner();
  }
}

/** What the role may do, in a few words. */
export function roleHint(role: Role): string {
  switch (role) {
    case 'viewer':
      return m.project_role_viewer_hint();
    case 'member':
      return m.project_role_member_hint();
    case 'maintainer':
      return m.project_role_maintainer_hint();
    case 'owner':
      return m.project_role_owner_hint();
  }
}
