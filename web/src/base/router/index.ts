export { Router } from './router.svelte';
export { wanted } from './wanted';
