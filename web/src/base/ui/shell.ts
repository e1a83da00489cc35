import { createContext } from 'svelte';
import type { IconName } from './icons';

/** A place in the main navigation. */
export interface NavLink {
  href: string;
  label: string;
  icon: IconName;
  /** A part of the sidebar shows the places below this one, so it stands out only when it is shown itself. */
  exact?: boolean;
}

/** What a page may ask of the shell around it. */
export interface ShellControls {
  openMenu(): void;
}

export const [useShell, provideShell] = createContext<ShellControls>();
