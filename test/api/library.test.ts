import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PROJECT } from '../support/transcript.ts';

const run = promisify(execFile);

/** Every operation of the command line, and every error class. */
const OPERATIONS = [
  [
    'resolveRequest',
    'resolveBatch',
    'explainPackage',
    'packageInfo',
    'searchPackages',
    'compareIndexes',
    'comparePlans',
  ],
  [
    'lintIndex',
    'makeLock',
    'updateLock',
    'adjustLock',
    'changeProject',
    'initProject',
    'outdatedPackages',
    'listSettings',
    'checkLock',
    'saveLock',
    'readLock',
    'writeLock',
    'loadCatalog',
  ],
  ['loadFromSites', 'loadProject', 'fetchRepo', 'verifyRepo', 'repairRepo', 'pruneRepo', 'makeBundle'],
  [
    'applyBundle',
    'makeMedia',
    'serveRepo',
    'listSites',
    'openSite',
    'installRepo',
    'examineHost',
    'fixHost',
    'prepareVm',
    'installVm',
  ],
  [
    'snapshotVm',
    'runVm',
    'runMany',
    'bootVm',
    'openShell',
    'findInstalled',
    'findSnapshot',
    'listStages',
    'makeVmReport',
    'removeStages',
  ],
  ['collectStages', 'buildController', 'packageVersion', 'CygstrapError', 'FetchError', 'GuestError', 'InputError'],
  ['MediaError', 'ParseError', 'VerifyError', 'VmError'],
].flat();

/** Programs with nothing but the mandatory options. */
const PROGRAMS = {
  'plan.ts': `
import { resolveRequest, explainPackage, loadCatalog, makeLock } from 'cygstrap';
import { packageInfo, printLock, resolve, searchPackages } from 'cygstrap';
import type { Lock, Plan } from 'cygstrap';
const loaded = await loadCatalog(['fixtures/demo/setup.ini']);
const result = resolve(loaded.catalog, { packages: ['curl'] });
const plan: Plan | undefined = result.kind === 'plan' ? result.plan : undefined;
const answer = await resolveRequest(loaded, { packages: ['curl'], base: false });
const why = await explainPackage(loaded, { packages: ['curl'] }, 'bash');
const info = packageInfo(loaded, 'curl');
const found = searchPackages(loaded, { pattern: /curl/ });
const made = await makeLock(loaded, { packages: ['curl'] });
const lock: Lock | undefined = made.kind === 'lock' ? made.lock : undefined;
console.log(plan?.packages.length, answer.kind, why.kind, info?.name, found.length);
console.log(lock !== undefined && printLock(lock) !== '');
`,
  'repo.ts': `
import { CygstrapError, FetchError, fetchRepo, listSites, makeBundle, pruneRepo, verifyRepo } from 'cygstrap';
import type { FetchRequest, FetchResult } from 'cygstrap';
export async function mirror(request: FetchRequest): Promise<FetchResult> {
  const { damaged } = await verifyRepo({ repo: request.repo });
  const { remove } = await pruneRepo({ repo: request.repo });
  const { sites } = await listSites();
  await makeBundle({ repo: request.repo, lock: 'cygstrap.lock.json', out: 'new.tar' });
  try {
    return await fetchRepo({ repo: './repo', sites: sites.map(({ url }) => url) });
  } catch (error) {
    if (error instanceof FetchError) console.log(error.url, error.kind, damaged, remove.length);
    throw error instanceof CygstrapError ? new Error(error.code) : error;
  }
}
`,
  'machine.ts': `
import { GuestError, VmError, installVm, prepareVm, runVm, snapshotVm } from 'cygstrap';
import type { RunResult } from 'cygstrap';
export async function build(): Promise<RunResult | undefined> {
  const context = await prepareVm();
  const installed = await installVm({ repo: './repo', lock: 'cygstrap.lock.json' }, context);
  const snapshot = await snapshotVm({ installed }, context);
  try {
    return await runVm({ argv: ['make'] }, { ...context, snapshot, onOutput: () => {} });
  } catch (error) {
    if (error instanceof VmError || error instanceof GuestError) return undefined;
    throw error;
  }
}
`,
};

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cygstrap-library-'));
  await mkdir(join(folder, 'node_modules'));
  await symlink(PROJECT, join(folder, 'node_modules/cygstrap'), 'junction');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('exports every operation and every error class', async () => {
  const library = (await import('../../src/index.ts')) as Readonly<Record<string, unknown>>;
  expect(OPERATIONS.filter((name) => typeof library[name] !== 'function')).toEqual([]);
});

test('has types for strict programs, in which the obvious options have defaults', async () => {
  const compilerOptions = {
    target: 'es2022',
    module: 'nodenext',
    types: ['node'],
    typeRoots: [join(PROJECT, 'node_modules/@types')],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    verbatimModuleSyntax: true,
    skipLibCheck: true,
    noEmit: true,
  };
  const config = join(folder, 'tsconfig.json');
  await writeFile(config, JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  for (const [name, text] of Object.entries(PROGRAMS)) await writeFile(join(folder, name), text);
  const tsc = join(PROJECT, 'node_modules/typescript/bin/tsc');
  const { stdout } = await run(process.execPath, [tsc, '-p', config]).catch((error: { stdout: string }) => error);
  expect(stdout).toBe('');
});

test('runs as a package', async () => {
  const program = (PROGRAMS['plan.ts'].replaceAll(/^import type .*\n/gm, '') + '\n').replaceAll(
    /: (Plan|Lock) \| undefined/g,
    '',
  );
  const file = join(folder, 'plan.mjs');
  await writeFile(file, program);
  const { stdout } = await run(process.execPath, [file], { cwd: PROJECT });
  expect(stdout).toMatch(/^\d+ plan explained curl [1-9]\d*\ntrue\n$/);
});
