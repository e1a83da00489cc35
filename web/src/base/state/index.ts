/** The services of the app, and the workspace of the person who is signed in. */
export { App } from './app.svelte';
export { provideApp, useApp, useWorkspace } from './context';
export { Workspace } from './workspace';
