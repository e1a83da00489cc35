/** What invites may promise: a role in a project. */
import type { Administration } from '../../base/feature';
import { m } from '../../base/i18n';
import { memberships, projects } from './project';
import { roleHint, roleName } from './role-names';
import { grantable, may, ROLES, type Role } from './roles';

interface Grant {
  project: string;
  role: Role;
}

function grantOf(value: unknown): Grant | null {
  if (typeof value !== 'object' || value === null) return null;
  const { project, role } = value as Record<string, unknown>;
  const known = ROLES.find((one) => one === role);
  return typeof project === 'string' && known ? { project, role: known } : null;
}

export const administration: Administration = {
  places: () => m.project_projects(),
  add: () => m.project_grant_add(),
  /** Whoever maintains a project brings others into it, up to their own role. */
  offers: (store, me) => {
    const own = store.table(memberships, `user:${me.id}`);
    return store
      .table(projects)
      .all()
      .flatMap(({ id, key, name }) => {
        const role = own.get(id)?.role;
        if (!may(role, 'maintainer')) return [];
        const levels = grantable(role)
          .map((value) => ({ value, label: roleName(value), hint: roleHint(value) }))
          // Most of those who are invited are to work there.
          .toSorted((a, b) => Number(b.value === 'member') - Number(a.value === 'member'));
        return [{ value: id, label: name, hint: key, levels }];
      })
      .toSorted((a, b) => a.label.localeCompare(b.label));
  },
  grant: (project, role) => ({ project, role }),
  say: (value, store) => {
    const grant = grantOf(value);
    if (!grant) return null;
    const found = store
      .table(projects)
      .all()
      .find(({ id }) => id === grant.project);
    return m.project_grant({ name: found?.name ?? m.project_grant_other(), role: roleName(grant.role) });
  },
};
