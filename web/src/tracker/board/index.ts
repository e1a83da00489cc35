/** The board of a project: its issues in columns, moved by pointer and by keyboard. */
import type { Feature } from '../../base/feature';

export const board: Feature = {
  name: 'board',
  routes: { '/projects/:key': { load: () => import('./BoardPage.svelte') } },
};
