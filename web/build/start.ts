import type { Plugin } from 'vite';

const BEGINNING = /[\\/]src[\\/]main\.ts$/;

/**
 * The beginning (main.ts) imports the app, so that it runs before the app is there. This names the files of both, for
 * one chunk each: what every page needs comes in two requests, and index.html asks for them at once, together with
 * the fonts of the first text.
 */
export function start(font: RegExp) {
  const app = new Set<string>();
  const plugin: Plugin = {
    name: 'start',
    apply: 'build',
    buildEnd() {
      const follow = (id: string) => {
        if (app.has(id)) return;
        app.add(id);
        for (const next of this.getModuleInfo(id)?.importedIds ?? []) follow(next);
      };
      for (const id of this.getModuleIds()) {
        if (BEGINNING.test(id)) for (const next of this.getModuleInfo(id)?.dynamicallyImportedIds ?? []) follow(next);
      }
    },
    transformIndexHtml: {
      order: 'post',
      handler(_, { bundle = {} }) {
        const files = Object.values(bundle);
        const entry = files.find((file) => file.type === 'chunk' && file.isEntry);
        const scripts = entry?.type === 'chunk' ? entry.dynamicImports : [];
        const styles = files.flatMap((file) =>
          file.type === 'chunk' && scripts.includes(file.fileName) ? [...(file.viteMetadata?.importedCss ?? [])] : [],
        );
        const fonts = Object.keys(bundle).filter((name) => font.test(name));
        return [
          ...styles.map((name) => ({ rel: 'stylesheet', href: `/${name}` })),
          ...scripts.map((name) => ({ rel: 'modulepreload', href: `/${name}` })),
          ...fonts.map((name) => ({
            rel: 'preload',
            as: 'font',
            type: 'font/woff2',
            fetchpriority: 'low',
            href: `/${name}`,
          })),
        ].map((attrs) => ({ tag: 'link', attrs: { ...attrs, crossorigin: true }, injectTo: 'head' as const }));
      },
    },
  };
  return { plugin, test: (id: string) => app.has(id) };
}
