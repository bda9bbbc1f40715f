// Bundles the command line and the library into a few files, with the development dependencies that they import:
// Node.js spends most of the time of a short command on finding and compiling modules one by one. Modules that are
// loaded on demand stay apart. Writes the licenses beside it.
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = fileURLToPath(new URL('..', import.meta.url));
const dir = join(root, 'dist/program');
const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const bundle = await rolldown({
  input: {
    main: join(root, 'dist/cli/main.js'),
    index: join(root, 'dist/index.js'),
    // A worker thread is started from a file, which lies beside the code that starts it.
    'hash-worker': join(root, 'dist/repo/disk/hash-worker.js'),
  },
  platform: 'node',
  external: Object.keys(dependencies),
});
const { output } = await bundle.write({
  dir,
  format: 'esm',
  chunkFileNames: '[name]-[hash].js',
  // Names stay as they are, for the traces in bug reports.
  minify: { compress: true, mangle: false, codegen: { removeWhitespace: true } },
});

// The scripts of the pages of `report` and `vm report`, one file each.
const pageOutputs = await Promise.all(
  ['report', 'vm-report'].map(async (name) => {
    const page = await rolldown({ input: join(root, `src/report/page/${name}.js`), platform: 'browser' });
    return page.write({ file: join(dir, `${name}-page.js`), format: 'iife', minify: true });
  }),
);

/** @type {Set<string>} */
const packages = new Set();
for (const chunk of [...output, ...pageOutputs.flatMap((page) => page.output)]) {
  if (chunk.type !== 'chunk') continue;
  for (const id of Object.keys(chunk.modules)) {
    const found = /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id.replaceAll('\\', '/'))?.[1];
    if (found !== undefined) packages.add(found);
  }
}
const notices = [...packages].sort().map((folder) => {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
  if (file === undefined || !existsSync(join(folder, file))) throw new Error(`${name} has no license file`);
  return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
});
writeFileSync(join(dir, 'LICENSES.txt'), notices.join('\n---\n\n'));
