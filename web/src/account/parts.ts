/** What pages of other slices are made of; apart from index.ts, which every page loads. */
export { default as AdminFrame } from './admin/AdminFrame.svelte';
export { default as PagedList } from './admin/PagedList.svelte';
