import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyFiles } from '../../../src/guest/cygwin/verify.ts';
import { CYGCHECK } from '../../../src/guest/stand-in/records.ts';
import { makeRelease } from '../../rehearsal/release.ts';
import { runSetup } from '../../rehearsal/setup/cygwin-setup.ts';
import { runCommand } from '../../support/transcript.ts';

const LOCAL = ['--quiet-mode', '--local-install', '--local-package-dir', 'E:\\', '--root', 'C:\\cygwin64'];

describe('verify.sh in what the counterfeit setup leaves', () => {
  const directory = mkdtempSync(join(tmpdir(), 'cygstrap-verify-setup-'));
  const medium = join(directory, 'medium');
  const consoleFile = join(directory, 'console.txt');
  let count: number;
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  beforeAll(async () => {
    const { site, keyring } = await makeRelease(directory);
    const { stdout, stderr } = await runCommand(
      `cygstrap fetch openssh make --repo repo --site ${site} --keyring ${keyring} --installer \
         --installer-site ${site} >/dev/null && cat cygstrap.lock.json`,
      '',
      directory,
    );
    const { packages } = JSON.parse(stdout || expect.fail(stderr)) as { packages: { name: string; version: string }[] };
    mkdirSync(medium);
    for (const [name, text] of verifyFiles(packages)) writeFileSync(join(medium, name), text);
    count = packages.length;
  });

  test.each([
    { title: 'all packages', variant: '', names: 'openssh,make', exitCode: 0, findings: [] },
    {
      title: 'a package is left out',
      variant: 'package-missing',
      names: 'openssh,make',
      exitCode: 0,
      findings: ['missing make lock: 1.0-1; not installed'],
    },
    { title: 'a restart replaced a file', variant: 'in-use', names: 'openssh,make', exitCode: 118, findings: [] },
    {
      title: 'an unknown name on the command line',
      variant: '',
      names: 'openssh,make,maek',
      exitCode: 0,
      findings: ["log package-not-found Package 'maek' not found."],
    },
    {
      title: 'a script fails',
      variant: '',
      names: 'make,openssh',
      scriptCode: 3,
      exitCode: 0,
      findings: ['postinstall base-files base-files.sh: exit code 3'],
    },
  ])('$title', ({ variant, names, scriptCode = 0, exitCode, findings }) => {
    const root = mkdtempSync(join(directory, 'root-'));
    const code = runSetup([...LOCAL, '--no-verify', '--packages', names], {
      arch: 'x86_64',
      resolve: (path) => (path.startsWith('C:') ? root : join(directory, 'repo')),
      enter: () => {},
      runScript: () => ({ code: scriptCode, output: "Can't open x" }),
      variant,
    });
    expect(code).toBe(exitCode);
    // That of the release needs the mount points of Cygwin.
    rmSync(join(root, 'bin/cygcheck'));
    writeFileSync(join(root, 'bin/cygcheck'), CYGCHECK);
    chmodSync(join(root, 'bin/cygcheck'), 0o755);
    rmSync(consoleFile, { force: true });
    const { stderr } = spawnSync('bash', [join(medium, 'verify.sh'), medium, consoleFile, root], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(readFileSync(consoleFile, 'utf8').trimEnd().split('\n')).toEqual([
      ...findings.map((each) => `@cygstrap finding ${each}`),
      `@cygstrap verdict ${findings.length} ${count}`,
    ]);
  });
});
