// Puts the command line into few files, with yargs in them: Node.js spends most of a short command's time on finding and
// compiling modules one by one. What is loaded only when needed stays outside. The licences of what is put in go beside.
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = fileURLToPath(new URL('..', import.meta.url));
const dir = join(root, 'dist/program');
const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const bundle = await rolldown({
  input: join(root, 'dist/cli/main.js'),
  platform: 'node',
  external: Object.keys(dependencies).filter((name) => name !== 'yargs'),
});
const { output } = await bundle.write({ dir, format: 'esm', chunkFileNames: '[name]-[hash].js' });

/** @type {Set<string>} */
const packages = new Set();
for (const chunk of output) {
  if (chunk.type !== 'chunk') continue;
  for (const id of Object.keys(chunk.modules)) {
    const found = /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id.replaceAll('\\', '/'))?.[1];
    if (found !== undefined) packages.add(found);
  }
}
const notices = [...packages].sort().map((folder) => {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
  if (file === undefined || !existsSync(join(folder, file))) throw new Error(`${name} has no licence file`);
  return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
});
writeFileSync(join(dir, 'LICENSES.txt'), notices.join('\n---\n\n'));
