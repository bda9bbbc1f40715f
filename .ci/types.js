// Copies the declarations that users of the library need to dist/types: those that index.d.ts reaches, in dist.
import { cpSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const dist = fileURLToPath(new URL('../dist', import.meta.url));
/** @type {Set<string>} */
const reached = new Set(['index.d.ts']);
// A set yields what is added to it while it is read.
for (const path of reached) {
  const text = readFileSync(join(dist, path), 'utf8');
  for (const [, target = ''] of text.matchAll(/\b(?:from|import)\s*\(?'(\.[^']+)\.[jt]s'/g))
    reached.add(join(dirname(path), `${target}.d.ts`));
  cpSync(join(dist, path), join(dist, 'types', path));
}
