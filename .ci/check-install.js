// Installs what `npm pack` makes into a fresh project, as a user does, and checks it: no warning, no install script,
// size on disk; the command, `import` and `require` on three versions of Node.js; strict TypeScript. Needs a registry
// of npm; says so and ends without one.
import { execFileSync, spawnSync } from 'node:child_process';
import { lstatSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Largest size on disk, with all dependencies, in bytes. */
const MAX_BYTES = 30_000_000;
/** The oldest supported release, and the newest of each major version. */
const VERSIONS = ['20.19.0', '22', '24'];
/** What npm prints where it cannot reach a registry. */
const NO_NETWORK = /\b(?:EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|ENOTFOUND|ETIMEDOUT)\b/;

const root = fileURLToPath(new URL('..', import.meta.url));
const project = mkdtempSync(join(tmpdir(), 'cygstrap-install-'));
const index = 'node_modules/cygstrap/fixtures/demo/setup.ini';
const PLAN = 'cygwin libintl8 coreutils ca-certificates libssl3 libcurl4 curl\n';

const FILES = {
  'package.json': '{ "private": true }\n',
  'esm.mjs': `import { loadCatalog, resolve } from 'cygstrap';
    const { catalog } = await loadCatalog('${index}');
    const { plan } = resolve(catalog, { packages: ['curl'], base: false });
    console.log(plan.packages.map(({ name }) => name).join(' '));\n`,
  'cjs.cjs': `const { loadCatalog, resolve } = require('cygstrap');
    loadCatalog('${index}').then(({ catalog }) => {
      const { plan } = resolve(catalog, { packages: ['curl'], base: false });
      console.log(plan.packages.map(({ name }) => name).join(' '));
    });\n`,
  'types.mts': `import { loadCatalog, resolve } from 'cygstrap';
    const { catalog } = await loadCatalog('setup.ini');
    const result = resolve(catalog, { packages: ['curl'] });
    if (result.kind === 'plan') for (const { archive } of result.plan.packages) console.log(archive.path.length);
    // @ts-expect-error The types are not \`any\`.
    await loadCatalog(1);\n`,
  'types.cts': `import cygstrap = require('cygstrap');
    export const version: string = cygstrap.packageVersion();\n`,
  'tsconfig.json': JSON.stringify({
    compilerOptions: {
      strict: true,
      skipLibCheck: false,
      module: 'nodenext',
      target: 'es2022',
      noEmit: true,
      types: ['node'],
      typeRoots: [join(root, 'node_modules/@types')],
    },
    files: ['types.mts', 'types.cts'],
  }),
};

/** Runs a program in the project; throws unless it ends with 0, prints `stdout` (if given), and nothing on stderr.
 *  @param {string} program @param {readonly string[]} argv
 *  @param {{ node?: string, stdout?: string | RegExp }} [options] */
function check(program, argv, { node = process.execPath, stdout } = {}) {
  const PATH = [dirname(node), process.env['PATH']].join(delimiter);
  const env = { ...process.env, PATH, npm_config_update_notifier: 'false', npm_config_loglevel: 'notice' };
  const shown = `${argv.join(' ')} (Node.js at ${node})`;
  const done = spawnSync(program, argv, { cwd: project, env, encoding: 'utf8' });
  const isExpected = typeof stdout === 'string' ? done.stdout === stdout : stdout?.test(done.stdout) !== false;
  if (done.status !== 0 || done.stderr !== '' || !isExpected)
    throw new Error(`${program} ${shown} ends with ${done.status}:\n${done.stdout}\n${done.stderr}`);
}

/** Returns the size on disk of all below a directory. @param {string} directory */
function diskBytes(directory) {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).reduce((sum, path) => {
    const { blocks } = lstatSync(join(directory, path));
    return sum + blocks * 512;
  }, 0);
}

function install() {
  execFileSync('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', project], { cwd: root });
  const tarball = readdirSync(project).find((name) => name.endsWith('.tgz')) ?? '';
  check('npm', ['install', '--foreground-scripts', '--no-audit', '--no-fund', '--prefer-offline', `./${tarball}`], {
    stdout: /^\s*added \d+ packages in \S+\s*$/,
  });
  const lock = JSON.parse(readFileSync(join(project, 'package-lock.json'), 'utf8'));
  const packages = Object.entries(/** @type {Record<string, { hasInstallScript?: boolean }>} */ (lock.packages));
  const scripted = packages.filter(([, { hasInstallScript }]) => hasInstallScript === true);
  if (scripted.length > 0) throw new Error(`install scripts: ${scripted.map(([path]) => path).join(', ')}`);
  const bytes = diskBytes(join(project, 'node_modules'));
  if (bytes > MAX_BYTES) throw new Error(`the package takes ${bytes} bytes on disk, more than ${MAX_BYTES}`);
  console.log(`${packages.length - 1} packages, ${(bytes / 1e6).toFixed(1)} MB on disk`);
}

/** Installs a version of Node.js from the registry, as in `run`. @param {string} version */
function nodeOf(version) {
  const argv = ['-y', '-p', `node@${version}`, 'node', '-p', 'process.execPath'];
  const { status, stdout, stderr } = spawnSync('npx', argv, { encoding: 'utf8', cwd: tmpdir() });
  if (status !== 0) throw new Error(`the registry has no Node.js ${version} for this system:\n${stderr}`);
  return stdout.trim();
}

try {
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(project, name), text);
  install();
  check(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', '.'], { stdout: '' });
  console.log('strict TypeScript: no error');
  for (const version of VERSIONS) {
    const node = nodeOf(version);
    const command = ['cygstrap', 'resolve', 'curl', '--no-base', '--index', index];
    check('npx', command, { node, stdout: /^PACKAGE .*\n(?:.*\n)+7 packages, 8\.4 MiB to download\n$/ });
    check(node, ['esm.mjs'], { node, stdout: PLAN });
    check(node, ['cjs.cjs'], { node, stdout: PLAN });
    console.log(`Node.js ${version}: npx, import, require: no warning`);
  }
} catch (error) {
  if (!(error instanceof Error && NO_NETWORK.test(error.message))) throw error;
  console.log(`skipped: no registry of npm can be reached\n${error.message}`);
} finally {
  rmSync(project, { recursive: true, force: true });
}
