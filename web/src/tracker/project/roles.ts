/** Roles in a project, weakest first; each may do all that the one before may. */
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
