import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { allowToRun, makeReleaseWithSetup } from '../rehearsal/setup/program-file.ts';
import type { Release } from '../rehearsal/release.ts';
import { FaultServer } from '../support/fault-server.ts';
import type { Script } from '../support/fault-server.ts';
import { fault } from '../support/faults.ts';
import { craftKey, craftSignature } from '../trust/support.ts';
import { runAction } from './composite.ts';
import type { Job, Runner } from './composite.ts';

const bench = mkdtempSync(join(tmpdir(), 'cygstrap-action-'));
const PACKAGE = 'x86_64/release/make/make-1.0-1.tar.xz';
/** Nothing listens there. */
const UNREACHABLE = 'http://127.0.0.1:1/';

let release: Release;
let mirror: FaultServer;
let runner: Runner;
beforeAll(async () => {
  release = await makeReleaseWithSetup(bench);
});
afterAll(() => rmSync(bench, { recursive: true, force: true }));
beforeEach(async () => {
  mirror = await FaultServer.start(filesOf(release.site));
  // Paths on Windows have backslashes, which have a meaning in some places of a shell.
  const directory = mkdtempSync(join(bench, String.raw`runner\a_`));
  runner = { directory, os: 'Linux', env: variables(directory) };
});
afterEach(() => mirror.close());

function variables(directory: string): Record<string, string> {
  return {
    CYGSTRAP_KEYRING: release.keyring,
    CYGSTRAP_INSTALLER_SITE: mirror.url,
    XDG_CACHE_HOME: join(directory, 'user-cache'),
  };
}

/** Serves the files of a directory. */
function filesOf(directory: string): Script {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    entries.map(({ parentPath, name }) => {
      const location = join(parentPath, name);
      return [location.slice(directory.length), fault.serve(readFileSync(location))];
    }),
  );
}

function run(inputs: Readonly<Record<string, string>> = {}, changes: Partial<Runner> = {}): Promise<Job> {
  return runAction({ packages: 'make', sites: mirror.url, ...inputs }, { ...runner, ...changes });
}

function inWorkspace(name: string): string {
  return join(runner.directory, 'workspace', name);
}

function keys(): string[] {
  return readdirSync(join(runner.directory, 'cache'));
}

describe('a repo', () => {
  test('is made from a mirror, and from the cache as long as the lock is the same', async () => {
    const first = await run();
    const repo = join(runner.directory, 'temp/cygstrap-repo');
    const lock = inWorkspace('cygstrap.lock.json');
    expect(first, first.log).toMatchObject({
      isSuccess: true,
      outputs: { repo, lock, 'cache-hit': 'false', root: '', 'setup-exit': '' },
      path: [],
    });
    expect(first.steps).toContain('Save the repo');
    expect(existsSync(join(repo, PACKAGE))).toBe(true);
    expect(existsSync(join(repo, 'setup-x86_64.exe'))).toBe(false);
    expect(keys()).toEqual([expect.stringMatching(/^cygstrap-1-[0-9a-f]{64}$/)]);

    rmSync(join(runner.directory, 'user-cache'), { recursive: true });
    const requests = mirror.count();
    const second = await run();
    expect(second, second.log).toMatchObject({ isSuccess: true, outputs: { repo, lock, 'cache-hit': 'true' } });
    expect(second.steps).not.toContain('Save the repo');
    expect(mirror.count()).toBe(requests);
    expect(existsSync(join(repo, PACKAGE))).toBe(true);
  });

  test('has another key for another lock, and the same for a lock with CR LF', async () => {
    await run();
    const lock = inWorkspace('cygstrap.lock.json');
    writeFileSync(lock, readFileSync(lock, 'utf8').replaceAll('\n', '\r\n'));
    expect((await run()).outputs['cache-hit']).toBe('true');
    expect(keys()).toHaveLength(1);
    rmSync(lock);
    expect((await run({ packages: 'make openssh' })).outputs['cache-hit']).toBe('false');
    expect(keys()).toHaveLength(2);
  });

  test('has another key with the setup program, which a repo for an installation includes', async () => {
    await run();
    const installing = { install: 'true', 'add-to-path': 'false' };
    // The last step fails: this is no Windows.
    const first = await run(installing);
    expect(first.outputs['cache-hit']).toBe('false');
    expect(first.steps).toContain('Save the repo');
    expect(keys()).toHaveLength(2);
    rmSync(join(runner.directory, 'user-cache'), { recursive: true });
    const requests = mirror.count();
    const second = await run(installing);
    expect(second.outputs['cache-hit']).toBe('true');
    expect(existsSync(join(runner.directory, 'temp/cygstrap-repo/setup-x86_64.exe'))).toBe(true);
    expect(mirror.count()).toBe(requests);
  });

  test('comes without the cache if that is turned off', async () => {
    const { isSuccess, steps, outputs } = await run({ cache: 'false' });
    expect({ isSuccess, hit: outputs['cache-hit'] }).toEqual({ isSuccess: true, hit: 'false' });
    expect(steps).toEqual(['Build cygstrap', 'Lock the packages', 'Fetch and verify the packages']);
    expect(keys()).toEqual([]);
  });

  test('from the cache is verified: a damaged file is fetched again', async () => {
    await run();
    const [key = ''] = keys();
    appendFileSync(join(runner.directory, 'cache', key, PACKAGE), 'x');
    rmSync(join(runner.directory, 'user-cache'), { recursive: true });
    const requests = mirror.count(`/${PACKAGE}`);
    const { isSuccess, outputs } = await run();
    expect({ isSuccess, hit: outputs['cache-hit'] }).toEqual({ isSuccess: true, hit: 'true' });
    expect(mirror.count(`/${PACKAGE}`)).toBe(requests + 1);
    const fetched = readFileSync(join(outputs['repo'] ?? '', PACKAGE));
    expect(fetched.equals(readFileSync(join(release.site, PACKAGE)))).toBe(true);
  });

  test('has the packages of the project file, in a directory and at a place of the user', async () => {
    mkdirSync(inWorkspace('.'), { recursive: true });
    const project = mkdtempSync(inWorkspace('project-'));
    writeFileSync(join(project, 'cygstrap.json'), JSON.stringify({ packages: ['openssh'], sites: [mirror.url] }));
    const { isSuccess, outputs, log } = await runAction(
      { directory: project, lock: 'locked.json', repo: 'repo' },
      runner,
    );
    expect({ isSuccess, outputs }, log).toMatchObject({
      isSuccess: true,
      outputs: { lock: join(project, 'locked.json'), repo: join(project, 'repo') },
    });
    expect(existsSync(join(project, 'repo/x86_64/release/openssh'))).toBe(true);
  });
});

describe('an error', () => {
  test('is an unknown package', async () => {
    const { isSuccess, steps, log } = await run({ packages: 'make, opensshh' });
    expect(isSuccess).toBe(false);
    expect(log).toContain('error: no package is named `opensshh`');
    expect(log).toContain('hint: did you mean `openssh`?');
    expect(steps).toEqual(['Build cygstrap', 'Lock the packages']);
    expect(existsSync(inWorkspace('cygstrap.lock.json'))).toBe(false);
  });

  test('is a request that the lock does not have', async () => {
    await run();
    const { isSuccess, log } = await run({ packages: 'make openssh' });
    expect(isSuccess).toBe(false);
    expect(log).toMatch(/error: `.*cygstrap\.lock\.json` .*request/);
    // That of another request has the same key, and is complete.
    expect(keys()).toHaveLength(1);
  });

  test('is an option in the place of a package name', async () => {
    const first = await run({ packages: '--unsigned' });
    expect(first.isSuccess).toBe(false);
    expect(first.log).toContain('`--unsigned`');
    expect(first.steps).toEqual(['Build cygstrap', 'Lock the packages']);
    await run();
    const second = await run({ packages: '--refresh' });
    expect(second.isSuccess).toBe(false);
    expect(second.log).toContain('`--refresh`');
  });

  test('is a missing lock if it is frozen', async () => {
    const { isSuccess, log } = await run({ frozen: 'true' });
    expect(isSuccess).toBe(false);
    expect(log).toMatch(/^::error::the lock cygstrap\.lock\.json does not exist/m);
    expect(mirror.count()).toBe(0);
    expect((await run()).isSuccess).toBe(true);
    expect((await run({ frozen: 'true' })).isSuccess).toBe(true);
  });

  test('is no archive with the digest of the lock on any mirror', async () => {
    mirror.set(`/${PACKAGE}`, fault.serve(Buffer.from('something else')));
    const { isSuccess, log } = await run();
    expect(isSuccess).toBe(false);
    expect(log).toContain(PACKAGE);
    expect(keys()).toEqual([]);
  });

  test('is a package name that would be shell code', async () => {
    for (const packages of ['$(touch pwned)', '"; touch pwned; "', '`touch pwned`']) {
      const { isSuccess } = await run({ packages });
      expect(isSuccess).toBe(false);
    }
    expect(readdirSync(inWorkspace('.'))).toEqual([]);
  });
});

describe('the next mirror is used', () => {
  test('if the first one cannot be reached', async () => {
    const { isSuccess, log } = await run({ sites: `${UNREACHABLE}\n${mirror.url}` });
    expect(isSuccess, log).toBe(true);
  });

  test('if the signature of the first one is wrong', async () => {
    const script = filesOf(release.site);
    const index = readFileSync(join(release.site, 'x86_64/setup.ini'), 'utf8').replace('GNU', 'gnu');
    await using broken = await FaultServer.start({
      ...script,
      '/x86_64/setup.ini': fault.serve(Buffer.from(`${index}\n`)),
    });
    const { isSuccess, log } = await run({ sites: `${broken.url} ${mirror.url}` });
    expect(isSuccess, log).toBe(true);
  });

  test('if the first one lacks an archive', async () => {
    await using partial = await FaultServer.start({ ...filesOf(release.site), [`/${PACKAGE}`]: fault.status(404) });
    const { isSuccess, log } = await run({ sites: `${partial.url} ${mirror.url}` });
    expect(isSuccess, log).toBe(true);
    expect([partial.count(`/${PACKAGE}`), mirror.count(`/${PACKAGE}`)]).toEqual([1, 1]);
  });
});

describe('an installation on Windows', () => {
  /** Runs the action on a runner where the counterfeit setup can start, as every program on Windows. */
  function install(inputs: Readonly<Record<string, string>> = {}, variant = '', env = {}): Promise<Job> {
    const root = join(runner.directory, 'cygwin64');
    return run(
      { install: 'true', root, ...inputs },
      {
        os: 'Windows',
        env: { ...variables(runner.directory), SETUP_VARIANT: variant, ...env },
        after(name) {
          if (name === 'Fetch and verify the packages')
            allowToRun(join(runner.directory, 'temp/cygstrap-repo/setup-x86_64.exe'));
        },
      },
    );
  }

  test('is compared with the lock, and its programs are in the PATH', async () => {
    const { isSuccess, outputs, path, log } = await install();
    const root = join(runner.directory, 'cygwin64');
    expect({ isSuccess, path, outputs }, log).toMatchObject({
      isSuccess: true,
      path: [join(root, 'bin')],
      outputs: { root, 'setup-exit': '0' },
    });
    expect(log).toContain('14 of 14 packages compared');
  });

  test('asks no server if the repo with the setup program is in the cache', async () => {
    await install();
    rmSync(join(runner.directory, 'cygwin64'), { recursive: true });
    rmSync(join(runner.directory, 'user-cache'), { recursive: true });
    const requests = mirror.count();
    const { isSuccess, outputs, log } = await install({ 'add-to-path': 'false' });
    expect({ isSuccess, hit: outputs['cache-hit'] }, log).toEqual({ isSuccess: true, hit: 'true' });
    expect(mirror.count()).toBe(requests);
  });

  test('is not in the PATH if that is turned off', async () => {
    const { isSuccess, path } = await install({ 'add-to-path': 'false' });
    expect({ isSuccess, path }).toEqual({ isSuccess: true, path: [] });
  });

  test('fails if setup leaves a package out and exits with 0', async () => {
    const { isSuccess, outputs, path, log } = await install({}, 'package-missing');
    expect({ isSuccess, path, exit: outputs['setup-exit'] }).toEqual({ isSuccess: false, path: [], exit: '0' });
    expect(log).toMatch(/^missing make: lock: 1\.0-1; not installed/m);
    expect(log).toMatch(/^::error::the installation in .*cygwin64 differs from the lock/m);
  });

  test('fails if a postinstall script fails', async () => {
    const { isSuccess, log } = await install({}, 'script-fails');
    expect(isSuccess).toBe(false);
    expect(log).toMatch(/^postinstall base-files: /m);
  });

  test('fails if the lock has a version that the mirror does not list any more', async () => {
    await run();
    rmSync(join(runner.directory, 'cache'), { recursive: true });
    const index = readFileSync(join(release.site, 'x86_64/setup.ini'), 'utf8');
    const bytes = Buffer.from(index.replace(/1\.0-1(\ninstall: \S*\/make)-1\.0-1/, '1.0-2$1-1.0-2'));
    expect(bytes.includes('make-1.0-2')).toBe(true);
    const key = craftKey('RSA');
    const keyFile = join(runner.directory, 'key.gpg');
    writeFileSync(keyFile, key.file);
    mirror.set('/x86_64/setup.ini', fault.serve(bytes));
    mirror.set('/x86_64/setup.ini.sig', fault.serve(craftSignature(bytes, key)));
    const { isSuccess, log } = await install({}, '', { CYGSTRAP_KEYRING: `${release.keyring} ${keyFile}` });
    expect(isSuccess).toBe(false);
    expect(log).toMatch(/warning: the current index does not list `make 1\.0-1` as locked/);
    expect(log).toMatch(/error: the index of `.*` does not list `make 1\.0-1` of the lock\nhint: .*`cygstrap update`/);
  });

  test('fails on a runner without Windows', async () => {
    const { isSuccess, log } = await run({ install: 'true' });
    expect(isSuccess).toBe(false);
    expect(log).toMatch(/^::error::'install: true' needs a runner with Windows; this is one with Linux$/m);
  });
});
