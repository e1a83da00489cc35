import { createContext } from 'svelte';
import type { IconName } from './icons';

/** A place in the main navigation. */
export interface NavLink {
  href: string;
  label: string;
  icon: IconName;
}

/** What a page may ask of the shell around it. */
export interface ShellControls {
  openMenu(): void;
}

export const [useShell, provideShell] = createContext<ShellControls>();
