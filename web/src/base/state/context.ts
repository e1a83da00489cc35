import { createContext } from 'svelte';
import type { App } from './app.svelte';
import type { Workspace } from './workspace';

const [getApp, setApp] = createContext<App>();

/** The services of the app, set once at its root. */
export const provideApp = setApp;
export const useApp = getApp;

/** What belongs to the signed-in person; for pages that only they see. */
export function useWorkspace(): Workspace {
  const { workspace } = getApp();
  if (!workspace) throw new Error('Nobody is signed in');
  return workspace;
}
