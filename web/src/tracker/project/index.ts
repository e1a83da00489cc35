/** Projects, who works in them and which statuses they have. */
import type { Feature } from '../../base/feature';
import { m } from '../../base/i18n';
import { members, memberships, projects, scopeOf, statuses } from './project';

export { members, memberships, projects, scopeOf, statuses, type Member, type Project, type Status } from './project';
export { may, type Role } from './roles';
export { CATEGORIES, type StatusCategory } from './status';

export const project: Feature = {
  name: 'project',
  scopes: (read) => read.all(memberships).map(({ id }) => scopeOf(id)),
  entities: [projects, statuses, members, memberships],
  routes: {
    '/projects': { load: () => import('./ProjectsPage.svelte') },
    '/projects/:key/members': { load: () => import('./MembersPage.svelte') },
    '/admin/projects': { load: () => import('./OwnerlessPage.svelte') },
    '/projects/:key/settings': { load: () => import('./SettingsPage.svelte') },
  },
  home: '/projects',
  admin: {
    tabs: () => [{ href: '/admin/projects', label: m.project_projects(), icon: 'board' }],
    promises: async () => (await import('./administration')).administration,
  },
  limits: (store) =>
    store
      .table(projects)
      .all()
      .map(({ id, name }) => ({ value: scopeOf(id), label: name }))
      .toSorted((a, b) => a.label.localeCompare(b.label)),
  nav: () => [{ href: '/projects', label: m.project_projects(), icon: 'board', exact: true }],
  section: () => import('./ProjectsSection.svelte'),
};
