// Compares what `npm pack` would publish with fixtures/package-files.txt; `--update` rewrites that file.
// The parts of the bundle and the declarations come and go, so of those only the entries are named.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const golden = fileURLToPath(new URL('../fixtures/package-files.txt', import.meta.url));

const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
  cwd: root,
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 'inherit'],
  shell: process.platform === 'win32',
});
/** @type {unknown} */
const report = JSON.parse(output);
// npm prints a list of packages or, in its newest releases, an object by name.
const [packed] = /** @type {{ files: { path: string }[] }[]} */ (
  Array.isArray(report) ? report : Object.values(/** @type {object} */ (report))
);
const paths = (packed?.files ?? []).map(({ path }) => path).sort();
const faults = [];

for (const needed of [
  ...['main.js', 'index.js', 'hash-worker.js', 'report-page.js', 'vm-report-page.js', 'LICENSES.txt'].map(
    (name) => `dist/program/${name}`,
  ),
  'dist/types/index.d.ts',
  'dist/man/cygstrap.1',
])
  if (!paths.includes(needed)) faults.push(`missing: ${needed}`);

const others = paths
  .filter((path) => !/^dist\/(?:man|program|types)\//.test(path))
  .map((path) => `${path}\n`)
  .join('');
if (process.argv.includes('--update')) writeFileSync(golden, others);
else if (others !== readFileSync(golden, 'utf8'))
  faults.push(`the other files differ from fixtures/package-files.txt; they are:\n${others}`);

if (faults.length > 0) {
  process.stderr.write(`unexpected contents of the package:\n${faults.join('\n')}\n`);
  process.exitCode = 1;
} else {
  process.stdout.write(`${paths.length} files would be published, as expected\n`);
}
