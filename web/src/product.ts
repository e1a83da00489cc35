/** What the product is made of, in the order of the navigation. The only file that names the tracker. */
import { account } from './account';
import type { Feature } from './base/feature';
import { notes } from './notes';
import { board } from './tracker/board';
import { comment } from './tracker/comment';
import { issue } from './tracker/issue';
import { project } from './tracker/project';
import { search } from './tracker/search';

export const features: readonly Feature[] = [project, issue, comment, board, search, notes, account];
