/** Comments, below the page of an issue. */
import type { Feature } from '../../base/feature';
import { comments, createComment, deleteComment, updateComment } from './comment';

export const comment: Feature = {
  name: 'comment',
  entities: [comments],
  mutations: [createComment, updateComment, deleteComment],
  below: { issue: () => import('./Comments.svelte') },
};
