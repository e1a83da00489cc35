/** What a slice of the app brings: values, collected in product.ts and read by start.ts and App.svelte. */
import type { Component } from 'svelte';
import type { Me } from './api';
import type { Store } from './store';
import type { Entity, Mutation, Reader } from './sync';
import type { Option } from './ui/options';
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

/** Somewhere that an invite may lead to beyond the account, and what one may do there. */
export interface Place extends Option<string> {
  levels: readonly Option<string>[];
}

/** What invites may promise beyond the account, in the places of one slice. */
export interface Administration {
  /** What the places are called, and what adding one is. */
  places: () => string;
  add: () => string;
  /** Those that the person may invite to. Read in $derived. */
  offers: (store: Store, me: Me) => readonly Place[];
  /** The promise as the server takes it. */
  grant: (place: string, level: string) => unknown;
  /** A promise in words; null when it is another slice's. Read in $derived. */
  say: (grant: unknown, store: Store) => string | null;
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
  /** Parts below the page of a row of others, by the entity's name. They come when the page has shown. */
  below?: Readonly<Record<string, () => Promise<{ default: Component<{ id: string; key: string }> }>>>;
  /** What it brings for those who administer the whole app. */
  admin?: {
    /** Pages beside those about accounts. */
    tabs?: () => NavLink[];
    /** Comes when invites are made. */
    promises?: () => Promise<Administration>;
  };
  entities?: readonly Entity<never>[];
  mutations?: readonly Mutation<never>[];
}
