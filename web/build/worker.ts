import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Plugin } from 'vite';

/** Files that are not worth keeping for times without a network. */
const LEFT_OUT = /latin-ext/;

/** Builds the service worker to /sw.js, with the list of what this build made. */
export function worker(dir: string): Plugin {
  return {
    name: 'worker',
    apply: 'build',
    async writeBundle(_, bundle) {
      const names = Object.keys(bundle).filter((name) => name.startsWith('assets/') && !LEFT_OUT.test(name));
      const files = names.map((name) => `/${name}`).sort();
      const entry = Object.values(bundle).find((file) => file.type === 'chunk' && file.isEntry)!.fileName;
      const page = bundle['index.html'];
      const hash = createHash('sha256').update(files.join());
      if (page?.type === 'asset') hash.update(page.source);
      const version = { name: hash.digest('hex').slice(0, 12), files, entry: `/${entry}` };
      writeFileSync(join(dir, 'sw.js'), await code(version));
    },
  };
}

async function code(version: object): Promise<string> {
  const made = await build({
    configFile: false,
    logLevel: 'warn',
    publicDir: false,
    define: { VERSION: JSON.stringify(version) },
    build: {
      write: false,
      target: 'es2023',
      rolldownOptions: { input: 'src/sw/worker.ts', output: { format: 'iife', entryFileNames: 'sw.js' } },
    },
  });
  const [output] = [made].flat();
  const file = output && 'output' in output ? output.output[0] : undefined;
  if (!file) throw new Error('The service worker was not built.');
  return file.code;
}
