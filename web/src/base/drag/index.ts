export { Drag, type DragOptions, type Over } from './drag.svelte';
