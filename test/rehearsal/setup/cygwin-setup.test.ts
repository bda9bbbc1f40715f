import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCommand } from '../../support/transcript.ts';
import { makeRelease } from '../release.ts';
import { parseOptions, runSetup } from './cygwin-setup.ts';
import type { SetupComputer } from './cygwin-setup.ts';

const LOCAL = ['--quiet-mode', '--local-install', '--local-package-dir', 'E:\\', '--root', 'C:\\cygwin64'];

describe('the counterfeit setup', () => {
  const directory = mkdtempSync(join(tmpdir(), 'cygstrap-setup-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  let locked: string[];

  beforeAll(async () => {
    const { site, keyring } = await makeRelease(directory);
    const { stdout, stderr } = await runCommand(
      `cygstrap fetch openssh make --repo repo --site ${site} --keyring ${keyring} --installer \
         --installer-site ${site} >/dev/null &&
       cat cygstrap.lock.json`,
      '',
      directory,
    );
    const { packages } = JSON.parse(stdout || expect.fail(stderr)) as { packages: { name: string; version: string }[] };
    locked = packages.map(({ name, version }) => `${name} ${name}-${version}.tar.bz2`);
  });

  /** Installs into a new root. Returns the exit code, the lines of installed.db without flags, and the log. */
  function install(words: readonly string[], variant = ''): { code: number; installed: string[]; log: string } {
    const root = join(directory, `root-${variant}-${words.join('')}`.replaceAll(/[^\w-]/g, ''));
    mkdirSync(root, { recursive: true });
    const computer: SetupComputer = {
      arch: 'x86_64',
      resolve: (path) => (path.startsWith('C:') ? root : join(directory, 'repo')),
      enter: () => {},
      runScript: (path) => {
        const { status, stdout } = spawnSync('bash', [join(root, path)], { encoding: 'utf8' });
        return { code: status ?? 1, output: stdout };
      },
      variant,
    };
    const code = runSetup([...LOCAL, ...words], computer);
    const db = join(root, 'etc/setup/installed.db');
    const lines = existsSync(db) ? readFileSync(db, 'utf8').trimEnd().split('\n').slice(1) : [];
    const log = readFileSync(join(root, 'var/log/setup.log.full'), 'utf8');
    return { code, installed: lines.map((line) => line.replace(/ \d$/, '')), log };
  }

  test('installs what the lock has: the packages, Base, and what they depend on', () => {
    const { code, installed, log } = install(['--no-verify', '--packages', 'openssh,make']);
    expect(code, log).toBe(0);
    expect(installed.toSorted()).toEqual(locked.toSorted());
    expect(log).toMatch(/running: .*base-files\.sh.*base-files is here.*Ending cygwin install\n$/s);
  });

  test('logs an unknown package, and succeeds', () => {
    const { code, log } = install(['--no-verify', '--packages', 'make,maek']);
    expect([code, log]).toEqual([0, expect.stringContaining("Package 'maek' not found.")]);
  });

  test('can leave a package out without a word, or want a restart once', () => {
    const missing = install(['--no-verify', '--packages', 'make'], 'package-missing');
    expect([missing.code, missing.installed.some((line) => line.startsWith('make '))]).toEqual([0, false]);
    const codes = [1, 2].map(() => install(['--no-verify', '--packages', 'make'], 'in-use').code);
    expect(codes).toEqual([118, 0]);
  });

  test('refuses an index without a signature that it can check', () => {
    expect(install(['--packages', 'make']).code).toBe(1);
  });

  test.each(['--unknown', '-j', '--packages'])('refuses the option %s', (option) => {
    expect(() => parseOptions([...LOCAL, option])).toThrow(option);
  });
});
