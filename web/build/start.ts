import { readdirSync, readFileSync } from 'node:fs';
import type { Plugin } from 'vite';

/** The beginning imports the app, so that it runs before the app is there. */
const BEGINNING = /[\\/]src[\\/]main\.ts$|index\.html$/;
/** What pages of an area have in common: the area is the folder below src. */
const PARTS = /[\\/]src[\\/](\w+)[\\/].*parts\.ts$/;
const BASE = /[\\/]src[\\/]base[\\/]/;
const TEXT = /generated[\\/]messages[\\/](\w+)\.js$/;
const RUNTIME = /generated[\\/]runtime\.js$/;

interface Options {
  /** The folder with a file of texts for each area; texts that stand in none are everybody's. */
  texts: string;
  /** Parts of the frame that are imported on their own, but always. */
  always: RegExp;
  /** The fonts of the first text. */
  fonts: RegExp;
}

/**
 * Divides the app into few files: the beginning, what every page needs, and what the pages of an area have in common
 * (parts and texts); the bundler divides the rest by page. index.html asks for the first two at once, together with
 * the fonts of the first text.
 */
export function start({ texts, always, fonts }: Options) {
  const areaOf = areasOf(texts);
  const textOf = (id: string) => TEXT.exec(id)?.[1] ?? '';
  const main = new Set<string>();
  const app = new Set<string>();
  const areas = new Map<string, Set<string>>();
  /** For each text what loads it: the app, or the pages. */
  const users = new Map<string, Set<string>>();
  /** For each text the files that say it. */
  const places = new Map<string, Set<string>>();

  const plugin: Plugin = {
    name: 'start',
    apply: 'build',
    buildEnd() {
      const follow = (id: string, into: Set<string>, user?: string) => {
        if (into.has(id) || TEXT.test(id)) return;
        into.add(id);
        const { code, importedIds = [] } = this.getModuleInfo(id) ?? {};
        for (const [, text] of (user && code?.matchAll(/\bm\.(\w+)/g)) || []) {
          users.set(text!, (users.get(text!) ?? new Set()).add(user!));
          places.set(text!, (places.get(text!) ?? new Set()).add(id));
        }
        for (const next of importedIds) follow(next, into, user);
      };
      const ids = [...this.getModuleIds()];
      const imported = (id: string) => this.getModuleInfo(id)?.dynamicallyImportedIds ?? [];
      const beginning = ids.filter((id) => BEGINNING.test(id));
      for (const id of beginning) follow(id, main, 'app');
      for (const id of [...beginning.flatMap(imported), ...ids.filter((one) => always.test(one))])
        follow(id, app, 'app');
      for (const page of new Set(ids.flatMap(imported))) if (!app.has(page)) follow(page, new Set(app), page);
      for (const id of ids) {
        const area = PARTS.exec(id)?.[1];
        if (!area) continue;
        if (!areas.has(area)) areas.set(area, new Set());
        follow(id, areas.get(area)!);
      }
      // What these are made of themselves is a part of none.
      for (const files of areas.values()) for (const id of files) if (BASE.test(id)) app.add(id);
    },
    transformIndexHtml: { order: 'post', handler: (_, { bundle = {} }) => links(bundle, fonts) },
  };

  const usersOf = (id: string) => users.get(textOf(id)) ?? new Set();
  const isBase = (id: string) => (areaOf.get(textOf(id)) ?? 'base') === 'base';
  /** Only one file says it: it comes with that file, however many pages that is a part of. */
  const isLone = (id: string) => !usersOf(id).has('app') && places.get(textOf(id))?.size === 1;
  const isEarly = (id: string) => TEXT.test(id) && (usersOf(id).has('app') || isBase(id)) && !isLone(id);
  const shared = (id: string): string | null => {
    if (TEXT.test(id) && isLone(id)) return null;
    if (TEXT.test(id)) return usersOf(id).size > 1 ? areaOf.get(textOf(id))! : null;
    return [...areas].find(([, files]) => files.has(id))?.[0] ?? null;
  };
  const groups = [
    { name: 'main', test: (id: string) => main.has(id) || RUNTIME.test(id), priority: 3 },
    { name: 'app', test: (id: string) => app.has(id) || isEarly(id), priority: 2 },
    { debugName: 'areas', name: shared, priority: 1 },
  ];
  return { plugin, groups };
}

/** The area that each text belongs to, by the file that it stands in. */
function areasOf(folder: string): Map<string, string> {
  return new Map(
    readdirSync(folder).flatMap((file) => {
      const texts = JSON.parse(readFileSync(`${folder}/${file}`, 'utf8')) as Record<string, unknown>;
      return Object.keys(texts).map((name) => [name, file.replace('.json', '')] as const);
    }),
  );
}

type Bundle = Parameters<Extract<Plugin['generateBundle'], (...args: never[]) => unknown>>[1];

/** What index.html asks for besides its own script and style. */
function links(bundle: Bundle, font: RegExp) {
  const chunks = Object.values(bundle).filter((file) => file.type === 'chunk');
  const scripts = chunks.find(({ isEntry }) => isEntry)?.dynamicImports ?? [];
  const styles = chunks
    .filter(({ fileName }) => scripts.includes(fileName))
    .flatMap(({ viteMetadata }) => [...(viteMetadata?.importedCss ?? [])]);
  const fonts = Object.keys(bundle).filter((name) => font.test(name));
  return [
    ...styles.map((name) => ({ rel: 'stylesheet', href: `/${name}` })),
    ...scripts.map((name) => ({ rel: 'modulepreload', href: `/${name}` })),
    ...fonts.map((name) => ({
      ...{ rel: 'preload', as: 'font', type: 'font/woff2', fetchpriority: 'low' },
      href: `/${name}`,
    })),
  ].map((attrs) => ({ tag: 'link', attrs: { ...attrs, crossorigin: true }, injectTo: 'head' as const }));
}
