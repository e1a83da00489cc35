import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vite';

/** Emptying dist takes its committed .gitkeep with it; this puts it back. */
export function keep(dir: string): Plugin {
  return { name: 'keep', apply: 'build', closeBundle: () => writeFileSync(join(dir, '.gitkeep'), '') };
}
