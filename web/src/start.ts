/** Builds the services and mounts the app: the composition root. */
import { mount } from 'svelte';
import AppRoot from './App.svelte';
import type { Me, Session } from './base/api';
import { m } from './base/i18n';
import { keepApp } from './base/offline';
import { App } from './base/state';
import { features } from './product';

export function start(session: Session, known: Promise<Me | null>): void {
  const app = new App(features, session);
  app.theme.show();
  app.keys.listen(window, new AbortController().signal);
  app.keys.add(
    { keys: 'mod+z', label: m.base_undo(), run: () => void app.workspace?.store.undo() },
    { keys: 'mod+shift+z', label: m.base_redo(), run: () => void app.workspace?.store.redo() },
  );
  // The page's code comes while the cache is read.
  const first = app.router.match?.value;
  if (first && first !== 'home') void first.load().catch(() => undefined);

  mount(AppRoot, { target: document.getElementById('app')!, props: { app } });
  void app.start(known);
  keepApp();
}
