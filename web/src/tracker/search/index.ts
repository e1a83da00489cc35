/** Search: the palette that opens from everywhere, and the page of all that was found. */
import type { Feature } from '../../base/feature';

export const search: Feature = {
  name: 'search',
  search: () => import('./Palette.svelte'),
  routes: { '/search': { load: () => import('./SearchPage.svelte'), stays: true } },
};
