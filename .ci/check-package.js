// Compares what `npm pack` would publish with fixtures/package-files.txt; `--update` rewrites that file.
// Sources and their builds come and go, so of those only the rule is checked: each source is built, and nothing else is
// in dist but the bundle.
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

// One page is served from src, as it is; the script of the other is bundled.
const sources = paths.filter(
  (path) =>
    /^src\/.*\.[jt]s$/.test(path) && !path.endsWith('.d.ts') && !/^src\/(serve\/view|report)\/page\//.test(path),
);
const builds = new Set(paths.filter((path) => path.startsWith('dist/') && !path.startsWith('dist/program/')));
for (const source of sources) {
  const stem = source.replace(/^src\//, 'dist/').replace(/\.[jt]s$/, '');
  for (const built of [`${stem}.js`, `${stem}.d.ts`]) if (!builds.delete(built)) faults.push(`missing: ${built}`);
}
if (!builds.delete('dist/man/cygstrap.1')) faults.push('missing: dist/man/cygstrap.1');
for (const needed of ['main.js', 'hash-worker.js', 'report-page.js', 'vm-report-page.js', 'LICENSES.txt'].map(
  (name) => `dist/program/${name}`,
))
  if (!paths.includes(needed)) faults.push(`missing: ${needed}`);
for (const stale of builds) faults.push(`without a source: ${stale}`);

const others = paths
  .filter((path) => !path.startsWith('dist/') && !sources.includes(path))
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
