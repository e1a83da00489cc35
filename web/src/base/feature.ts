/** What a slice of the app brings: values, collected in product.ts and read by start.ts and App.svelte. */
import type { Component } from 'svelte';
import type { Me } from './api';
import type { Store } from './store';
import type { Entity, Mutation, Reader } from './sync';
import type { NavLink } from './ui/shell';

export interface PageProps {
  params: Record<string, string>;
}

export interface Page {
  /** A dynamic import: pages are loaded when they are first shown. */
  load: () => Promise<{ default: Component<PageProps> | Component<Record<string, never>> }>;
  /** Follows its params by itself; other pages start anew when a param changes. */
  stays?: boolean;
  /** Shown to those who are not signed in, and only to them. */
  guest?: boolean;
  /** Shown to everybody, without the navigation around it. */
  anybody?: boolean;
}

export interface Feature {
  name: string;
  /** By path, as in "/notes/:id". */
  routes?: Record<string, Page>;
  /** Where the app begins; the first feature that says so decides. */
  home?: string;
  /** Where a person's own settings are; the first feature that says so decides. */
  settings?: string;
  nav?: (me: Me) => NavLink[];
  /** Finds things by typing; opened from everywhere. The first feature that has one decides. */
  search?: () => Promise<{ default: Component<{ onclose: () => void }> }>;
  /** A part of the sidebar. */
  section?: () => Promise<{ default: Component }>;
  /** The scopes beyond their own that a person has, as far as the rows that are there tell. */
  scopes?: (read: Reader) => string[];
  /** What a token of the API may be limited to: scopes of the change log, in words. Read in $derived. */
  limits?: (store: Store) => readonly { value: string; label: string }[];
  entities?: readonly Entity<never>[];
  mutations?: readonly Mutation<never>[];
}
