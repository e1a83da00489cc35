/** Issues: the list, the page of one, and what changes them. */
import type { Feature } from '../../base/feature';
import { createIssue, deleteIssue, issues, moveIssue, updateIssue } from './issue';

export { createIssue, deleteIssue, issues, moveIssue, updateIssue, type Issue } from './issue';

export const issue: Feature = {
  name: 'issue',
  entities: [issues],
  mutations: [createIssue, updateIssue, deleteIssue, moveIssue],
  search: () => import('./JumpDialog.svelte'),
  routes: {
    '/projects/:key/list': { load: () => import('./ListPage.svelte') },
    '/issues/:key': { load: () => import('./IssuePage.svelte') },
  },
};
