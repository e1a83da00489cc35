import { existsSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vite';

/** A script of the build, as far as it matters here. */
export interface Script {
  /** Scripts that come with it, by file name. */
  imports: readonly string[];
  styles: readonly string[];
  /** What index.html asks for. */
  first: boolean;
  /** What it was made from, where that is one file: a page's. */
  source: string;
}

export interface FirstLoad {
  page: string;
  /** Bytes as they are sent. */
  scripts: number;
  styles: number;
}

const PAGE = /[\\/](\w+)Page\.svelte$/;

/** What each page loads before it is whole. What is loaded only when it is used does not count: no edge leads there. */
export function firstLoads(scripts: ReadonlyMap<string, Script>, size: (file: string) => number): FirstLoad[] {
  const follow = (file: string, into: Set<string>): Set<string> => {
    if (into.has(file)) return into;
    into.add(file);
    for (const next of scripts.get(file)?.imports ?? []) follow(next, into);
    return into;
  };
  const all = [...scripts];
  const start = all.filter(([, { first }]) => first).map(([file]) => file);
  const sum = (files: Iterable<string>) => [...files].reduce((bytes, file) => bytes + size(file), 0);
  return all.flatMap(([file, { source }]) => {
    const page = PAGE.exec(source)?.[1];
    if (!page) return [];
    const loaded = [...start, file].reduce((into, next) => follow(next, into), new Set<string>());
    const styles = new Set([...loaded].flatMap((script) => scripts.get(script)?.styles ?? []));
    return [{ page, scripts: sum(loaded), styles: sum(styles) }];
  });
}

export interface Budget {
  scripts: number;
  styles: number;
}

/** The pages that load more than they may, in words. */
export function beyond(loads: readonly FirstLoad[], budget: Budget): string[] {
  return (['scripts', 'styles'] as const).flatMap((kind) =>
    loads.flatMap(({ page, [kind]: bytes }) =>
      bytes > budget[kind] ? [`${page}: ${bytes} bytes of ${kind}, of ${budget[kind]}`] : [],
    ),
  );
}

/** Refuses a build with a page whose first load is beyond the budget: brotli, as it is sent. */
export function budget(dir: string, limit: Budget): Plugin {
  const scripts = new Map<string, Script>();
  const size = (file: string) => {
    const path = join(dir, file);
    return statSync(existsSync(`${path}.br`) ? `${path}.br` : path).size;
  };
  return {
    name: 'budget',
    apply: 'build',
    writeBundle(_, bundle) {
      const chunks = Object.values(bundle).filter((file) => file.type === 'chunk');
      const first = new Set(chunks.filter(({ isEntry }) => isEntry).flatMap((c) => [c.fileName, ...c.dynamicImports]));
      for (const { fileName, imports, facadeModuleId, viteMetadata } of chunks) {
        const styles = [...(viteMetadata?.importedCss ?? [])];
        scripts.set(fileName, { imports, styles, first: first.has(fileName), source: facadeModuleId ?? '' });
      }
    },
    closeBundle: {
      sequential: true,
      handler() {
        if (scripts.size === 0) return; // the build was not right, and said so
        const loads = firstLoads(scripts, size).sort((a, b) => b.scripts - a.scripts);
        const [most] = loads;
        if (!most) throw new Error('No page was found in the build.');
        this.info(`first load: ${most.scripts} bytes of scripts (${most.page}), ${most.styles} of styles, brotli`);
        const faults = beyond(loads, limit);
        if (faults.length === 0) return;
        rmSync(join(dir, 'index.html')); // or make would take the build for done
        throw new Error(`First loads beyond the budget:\n${faults.join('\n')}`);
      },
    },
  };
}
