/** Issues: the list, the page of one, and what changes them. */
import type { Feature } from '../../base/feature';
import { createIssue, deleteIssue, issues, moveIssue, updateIssue } from './issue';

export { createIssue, deleteIssue, issues, keyOf, moveIssue, updateIssue, type Issue } from './issue';

/** Edits a long text: when two edits meet, both are shown. Loaded when something is edited. */
export const textForm = () => import('./TextForm.svelte');

export const issue: Feature = {
  name: 'issue',
  entities: [issues],
  mutations: [createIssue, updateIssue, deleteIssue, moveIssue],
  routes: {
    '/projects/:key/list': { load: () => import('./ListPage.svelte') },
    '/issues/:key': { load: () => import('./IssuePage.svelte') },
  },
};
