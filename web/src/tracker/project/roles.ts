/** Roles in a project, weakest first; each may do all that the one before may. */
import { m } from '../../base/i18n';

export const ROLES = ['viewer', 'member', 'maintainer', 'owner'] as const;
export type Role = (typeof ROLES)[number];

/** Whether the role is enough where `need` is asked for. */
export function may(role: Role | null | undefined, need: Role): boolean {
  return role !== null && role !== undefined && ROLES.indexOf(role) >= ROLES.indexOf(need);
}

/** The roles that somebody may give: nobody grants above their own. */
export function grantable(role: Role | null | undefined): readonly Role[] {
  return ROLES.filter((candidate) => may(role, candidate));
}

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
