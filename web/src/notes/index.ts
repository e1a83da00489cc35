/** Notes of one's own: the slice to mirror for a new one. */
import type { Feature, Page } from '../base/feature';
import { m } from '../base/i18n';
import { createNote, deleteNote, notes as entity, updateNote } from './note';

const page: Page = { load: () => import('./NotesPage.svelte'), stays: true };

export const notes: Feature = {
  name: 'notes',
  entities: [entity],
  mutations: [createNote, updateNote, deleteNote],
  routes: { '/notes': page, '/notes/:id': page },
  home: '/notes',
  nav: () => [{ href: '/notes', label: m.note_notes(), icon: 'note' }],
};
