// Shows the main job on an index that comes with the project: a request, the plan, and the reasons. Needs no network.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const INDEX = 'fixtures/demo/setup.ini';

const STEPS = [
  {
    title: 'Resolve: what setup would install for curl and vim on an empty machine (category Base always comes along)',
    args: ['resolve', 'curl', 'vim', '--index', INDEX],
  },
  { title: 'Explain: why the plan has a TLS library nobody asked for', args: ['why', 'libssl3', '--for', 'curl,vim', '--index', INDEX] },
  { title: 'Print the same plan for another tool: the archives to download', args: ['resolve', 'curl', 'vim', '--format', 'urls', '--site', 'https://mirror.example/cygwin/', '--index', INDEX] },
  { title: 'Refuse: where setup would leave wget2 out without a word, cygstrap says what is missing', args: ['resolve', 'wget2', '--index', INDEX], exit: 1 },
];

/** @param {string} command @param {string[]} args @returns {number} */
function run(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: root, encoding: 'utf8' });
  if (error) throw error;
  process.stdout.write(stdout + stderr);
  return status ?? 1;
}

if (!existsSync(fileURLToPath(new URL('../dist/cli/main.js', import.meta.url)))) {
  const tsc = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url));
  if (run(process.execPath, [tsc, '-p', 'tsconfig.build.json']) !== 0) process.exit(1);
}

STEPS.forEach(({ title, args, exit = 0 }, i) => {
  process.stdout.write(`${i === 0 ? '' : '\n'}${i + 1} of ${STEPS.length}. ${title}\n$ cygstrap ${args.join(' ')}\n`);
  const status = run(process.execPath, ['bin/cygstrap.js', ...args]);
  if (status === exit) return;
  process.stderr.write(`the demo expected exit code ${exit}, found ${status}\n`);
  process.exit(1);
});
process.stdout.write(`\nDone. The same with a real index: cygstrap resolve curl vim --index setup.xz, from any Cygwin mirror's x86_64 folder.\n`);
