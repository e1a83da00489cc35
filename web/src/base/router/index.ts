export { Router } from './router.svelte';
