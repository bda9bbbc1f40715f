import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import type { Script } from '../../support/fault-server.ts';
import { fault } from '../../support/faults.ts';
import { runMain } from '../../support/main.ts';
import type { Run } from '../../support/main.ts';

/** The demo site, as a directory. */
export const RELEASE = resolve('fixtures/release');
export const KEY = join(RELEASE, 'key.gpg');

/** Directory of the running test, which contains its repo, lock and cache. */
export let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cygstrap-fetch-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Runs the command line with the cache of the test. */
export const run = (...argv: readonly string[]): Promise<Run> => runMain(argv, join(dir, 'cache'));

/** `cygstrap fetch` into `dir/repo` with the lock `dir/lock.json`. */
export function fetch(...argv: readonly string[]): Promise<Run> {
  const isAll = argv.includes('--all');
  return run(
    'fetch',
    ...argv,
    '--repo',
    join(dir, 'repo'),
    ...(isAll ? [] : ['--lock', join(dir, 'lock.json')]),
    '--keyring',
    KEY,
  );
}

/** The files of the repo, without those of cygstrap itself. */
export const repoFiles = (): string[] => filesBelow(join(dir, 'repo')).filter((path) => !path.startsWith('.cygstrap/'));

/** The published index. */
export const published = (): string => readFileSync(join(dir, 'repo/x86_64/setup.ini'), 'utf8');

/** The paths of the files below a directory, relative to it. */
export function filesBelow(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort();
}

/** Every file of the release, served over HTTP. */
export function releaseScript(except: Script = {}): Script {
  const files = filesBelow(RELEASE).map(
    (path) =>
      [
        `/${path.replaceAll('+', '%2B')}`,
        fault.serve(readFileSync(join(RELEASE, path)), { etag: `"${path}"` }),
      ] as const,
  );
  const plain = filesBelow(RELEASE).map(
    (path) => [`/${path}`, fault.serve(readFileSync(join(RELEASE, path)), { etag: `"${path}"` })] as const,
  );
  return { ...Object.fromEntries([...files, ...plain]), ...except };
}
