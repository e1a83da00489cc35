/** What pages of other slices are made of; apart from index.ts, which every page loads. */
export { default as IssueCard } from './IssueCard.svelte';
export { default as NewIssueButton } from './NewIssueButton.svelte';
export { fold } from './fold';
export { hay, type Listed } from './list';
