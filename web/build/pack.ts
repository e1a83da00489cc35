import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import type { Plugin } from 'vite';

const TEXT = /\.(js|css|html|json|svg|webmanifest)$/;
const WORTH = 512;
const ASSETS = /^assets[\\/]/;

/**
 * Puts a .br and a .gz beside every text file of the build, so that the server never compresses what does not change.
 * Browsers take brotli over https only. The plain form of an asset is left out: the server makes it from the .gz for
 * the few that ask for it.
 */
export function pack(dir: string): Plugin {
  return {
    name: 'pack',
    apply: 'build',
    closeBundle() {
      for (const name of readdirSync(dir, { recursive: true, encoding: 'utf8' })) {
        if (!TEXT.test(name)) continue;
        const path = join(dir, name);
        const raw = readFileSync(path);
        if (raw.length < WORTH) continue;
        const params = {
          [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
          [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
          [constants.BROTLI_PARAM_SIZE_HINT]: raw.length,
        };
        writeFileSync(`${path}.br`, brotliCompressSync(raw, { params }));
        writeFileSync(`${path}.gz`, gzipSync(raw, { level: constants.Z_BEST_COMPRESSION }));
        if (ASSETS.test(name)) rmSync(path);
      }
    },
  };
}
