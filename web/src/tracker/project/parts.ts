/** What pages of other slices are made of; apart from index.ts, which every page loads. */
export { OpenedProject } from './opened.svelte';
export { default as ProjectFrame } from './ProjectFrame.svelte';
export { default as ProjectMark } from './ProjectMark.svelte';
export { default as StatusIcon } from './StatusIcon.svelte';
