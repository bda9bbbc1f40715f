import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { generateKey } from 'openpgp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { shellOf } from '../../src/api/installation-check.ts';
import { SUBSET_MARK } from '../../src/repo/files/layout.ts';
import { allowToRun, makeReleaseWithSetup } from '../rehearsal/setup/program-file.ts';
import { runCommand } from '../support/transcript.ts';
import type { Outcome } from '../support/transcript.ts';

const directory = mkdtempSync(join(tmpdir(), 'cygstrap-install-'));
const PROGRAM = 'setup-x86_64.exe';
let keyring: string;
let site: string;
afterAll(() => rmSync(directory, { recursive: true, force: true }));

beforeAll(async () => {
  const release = await makeReleaseWithSetup(directory);
  ({ keyring, site } = release);
  const { stderr } = await runCommand(
    `cygstrap fetch make --repo repo --site ${release.site} --keyring ${keyring} --installer \
       --installer-site ${release.site} --quiet >/dev/null`,
    '',
    directory,
  );
  expect(stderr).toBe('');
  allowToRun(join(directory, 'repo', PROGRAM));
});

let installs = 0;

/** Installs into a root of its own. */
async function install({
  options = '',
  variant = '',
  repo = 'repo',
  root = `root-${++installs}`,
}: {
  readonly options?: string;
  readonly variant?: string;
  readonly repo?: string;
  readonly root?: string;
}): Promise<Outcome & { readonly root: string }> {
  const outcome = await runCommand(
    `SETUP_VARIANT='${variant}' cygstrap install --repo ${repo} --root ${root} --keyring ${keyring} --quiet ${options}`,
    '',
    directory,
  );
  return { ...outcome, root: join(directory, root) };
}

/** Returns the last line of the output. */
function summary(root: string, rest: string): string {
  return `\`${root}\`: 14 of 14 packages compared with \`cygstrap.lock.json\`, ${rest}\n`;
}

/** Returns a copy of the repo. */
function copyOfRepo(): string {
  const name = `repo-${++installs}`;
  cpSync(join(directory, 'repo'), join(directory, name), { recursive: true });
  return name;
}

test('installs what the lock lists, and compares it', async () => {
  const { root, ...outcome } = await install({});
  expect(outcome).toEqual({
    exit: 0,
    stdout: summary(root, '0 differences; setup ended with exit code 0'),
    stderr: '',
  });
});

test('prints the call of setup as JSON', async () => {
  const { stdout, root } = await install({ options: '--json' });
  expect(JSON.parse(stdout)).toEqual({
    schema: 1,
    root,
    lock: 'cygstrap.lock.json',
    setup: {
      program: join(directory, 'repo', PROGRAM),
      arguments: [
        '--quiet-mode --upgrade-also --no-verify --local-install --local-package-dir'.split(' '),
        join(directory, 'repo'),
        '--packages make --no-admin --no-desktop --no-shortcuts --no-startmenu --no-version-check --root'.split(' '),
        root,
      ].flat(),
      exitCode: 0,
    },
    packages: { locked: 14, compared: 14 },
    findings: [],
    gaps: [],
    isInstalled: true,
  });
});

test('fails if setup leaves a package out and exits with 0', async () => {
  const { exit, stdout, root } = await install({ variant: 'package-missing' });
  expect({ exit, stdout }).toEqual({
    exit: 1,
    stdout:
      'missing make: lock: 1.0-1; not installed (setup did not install a package of the lock)\n' +
      summary(root, '1 difference; setup ended with exit code 0'),
  });
});

test('fails if a script fails, unless that is allowed', async () => {
  const refused = await install({ variant: 'script-fails' });
  expect(refused.exit).toBe(1);
  expect(refused.stdout).toMatch(/^postinstall base-files: base-files.sh: exit code 3 \(/);
  expect(refused.stderr).toBe(
    'hint: if the failure does no harm, allow it: `--allow-postinstall-failure base-files`\n',
  );
  const allowed = await install({ variant: 'script-fails', options: '--allow-postinstall-failure base-files' });
  expect(allowed.exit).toBe(0);
  expect(allowed.stdout).toMatch(/^allowed base-files: .*\n.* 0 differences; setup ended with exit code 0\n$/);
});

test('refuses a damaged archive before setup runs', async () => {
  const repo = copyOfRepo();
  appendFileSync(join(directory, repo, 'x86_64/release/make/make-1.0-1.tar.xz'), 'x');
  const { exit, stderr, root } = await install({ repo });
  expect({ exit, isMade: existsSync(root) }).toEqual({ exit: 1, isMade: false });
  expect(stderr).toMatch(/^error: `.*` does not have what the lock lists: `.*make-1\.0-1\.tar\.xz`: /);
});

test('refuses an index that differs from the lock', async () => {
  const repo = copyOfRepo();
  const index = join(directory, repo, 'x86_64/setup.ini');
  writeFileSync(index, readFileSync(index, 'utf8').replace('@ make\n', '@ make2\n'));
  const { exit, stderr, root } = await install({ repo });
  expect({ exit, isMade: existsSync(root) }).toEqual({ exit: 1, isMade: false });
  expect(stderr).toMatch(/^error: `cygstrap\.lock\.json` contradicts the index `x86_64\/setup\.ini`:/);
});

describe('the signature of the index', () => {
  /** Fetches the same lock into a repo of its own. */
  const fetched = async (options: string): Promise<string> => {
    const name = `repo-${++installs}`;
    const { stderr } = await runCommand(
      `cygstrap fetch --repo ${name} --site ${site} --keyring ${keyring} --installer --installer-site ${site} \
         ${options} --quiet >/dev/null`,
      '',
      directory,
    );
    expect(stderr).toBe('');
    allowToRun(join(directory, name, PROGRAM));
    return name;
  };
  const setupArguments = ({ stdout }: Outcome): unknown =>
    (JSON.parse(stdout) as { setup: { arguments: string[] } }).setup.arguments;

  test('setup gets the key of an index of the site', async () => {
    const outcome = await install({ repo: await fetched('--full-index'), options: '--json' });
    expect(setupArguments(outcome)).toEqual(expect.arrayContaining(['--pubkey', keyring]));
  });

  test('setup gets the key of the user that signed the index of the repo', async () => {
    const userIDs = [{ name: 'me' }];
    const key = await generateKey({ type: 'rsa', rsaBits: 2048, userIDs, subkeys: [], format: 'object' });
    const [secret, open] = [join(directory, 'secret.gpg'), join(directory, 'public.gpg')];
    writeFileSync(secret, key.privateKey.write());
    writeFileSync(open, key.publicKey.write());
    const repo = await fetched(`--sign-key ${secret}`);
    const outcome = await install({ repo, options: `--json --keyring ${open}` });
    expect(setupArguments(outcome)).toEqual(expect.arrayContaining(['--pubkey', open]));
    const refused = await install({ repo });
    expect(refused.exit).toBe(1);
    expect(refused.stderr).toMatch(/^error: `.*setup\.ini` is refused: .*\nhint: .*`--keyring FILE`\n$/);
  });

  test('an index of the site without its signature is refused', async () => {
    const repo = await fetched('--full-index');
    for (const name of readdirSync(join(directory, repo, 'x86_64')))
      if (/^setup\..*\.sig$/.test(name)) rmSync(join(directory, repo, 'x86_64', name));
    const { exit, stderr } = await install({ repo });
    expect(exit).toBe(1);
    expect(stderr).toMatch(/^error: `.*` has no signature, but the index of the lock was signed\n/);
  });
});

test('fails if setup ends with another exit code, also if nothing is missing', async () => {
  const { exit, stdout, root } = await install({ variant: 'ends-with-1' });
  expect({ exit, stdout }).toEqual({ exit: 1, stdout: summary(root, '0 differences; setup ended with exit code 1') });
});

test('accepts exit code 118 if nothing is left to replace', async () => {
  const { exit, stdout, stderr } = await install({ variant: 'in-use' });
  expect(exit).toBe(0);
  expect(stderr).toBe('hint: restart Windows, and then check the installation with `--check`\n');
  expect(stdout).toContain('setup ended with exit code 118');
});

test('refuses a setup program that its signature does not match, and does not run it', async () => {
  const repo = copyOfRepo();
  appendFileSync(join(directory, repo, PROGRAM), '\n');
  const { exit, stdout, stderr, root } = await install({ repo });
  expect({ exit, stdout, isMade: existsSync(root) }).toEqual({ exit: 1, stdout: '', isMade: false });
  expect(stderr).toMatch(/^error: `.*setup-x86_64\.exe` is refused: .*\nhint: .*`cygstrap fetch --installer`, /);
});

test('refuses a repo without the setup program', async () => {
  const repo = copyOfRepo();
  rmSync(join(directory, repo, PROGRAM));
  const { exit, stderr } = await install({ repo });
  expect(exit).toBe(1);
  expect(stderr).toMatch(/^error: the setup program is not in the repo `/);
  expect(stderr).toContain(
    'hint: fetch it with `cygstrap fetch --installer`; without network, copy `setup-x86_64.exe` and ' +
      '`setup-x86_64.exe.sig` there from the repo that a bundle comes from\n',
  );
});

test('refuses a file in the place of the installation, before setup runs', async () => {
  writeFileSync(join(directory, 'file'), '');
  const refused = {
    exit: 2,
    stdout: '',
    stderr: expect.stringMatching(/^error: not a directory: `.*file`\nhint: name the directory of the inst/) as string,
  };
  expect(await install({ root: 'file' })).toMatchObject(refused);
  expect(await runCommand('cygstrap install --check --root file --quiet', '', directory)).toMatchObject(refused);
});

test('refuses a repo whose index lacks a package of the lock: setup would leave it out', async () => {
  const repo = copyOfRepo();
  writeFileSync(join(directory, repo, 'x86_64/setup.ini'), `${SUBSET_MARK}\n`);
  const { exit, stderr } = await install({ repo });
  expect(exit).toBe(1);
  expect(stderr).toMatch(/^error: the index of `.*` does not list `.*`make 1\.0-1`.* of the lock\n/);
});

test('says that setup needs Windows if it cannot start', async () => {
  const repo = copyOfRepo();
  const { exit, stderr } = await runCommand(
    `chmod 644 ${repo}/${PROGRAM} && cygstrap install --repo ${repo} --root r --keyring ${keyring} --quiet`,
    '',
    directory,
  );
  expect(exit).toBe(3);
  expect(stderr).toMatch(/^error: cannot start `.*setup-x86_64\.exe`\n(?:.*\n)*hint: setup runs on Windows: /);
});

test('a package that is no longer in the lock stays installed, and the hint says how to remove it', async () => {
  const { root } = await install({});
  appendFileSync(join(root, 'etc/setup/installed.db'), 'nano nano-8.0-1.tar.bz2 1\n');
  const { exit, stdout, stderr } = await install({ root: basename(root) });
  expect(exit).toBe(1);
  expect(stdout).toMatch(/^extra nano: installed: 8\.0-1; .*\(a package is installed that the lock does not have\)$/m);
  expect(stderr).toBe(
    'hint: remove it with the option `--remove-packages` of the setup program, or make a lock that has it\n',
  );
  const { stdout: json } = await install({ root: basename(root), options: '--json' });
  expect(JSON.parse(json).findings[0]).toMatchObject({
    kind: 'extra',
    advice: expect.stringContaining('--remove-packages'),
  });
});

test('--check compares an installation without running setup', async () => {
  const { root } = await install({});
  const check = (): Promise<Outcome> => runCommand(`cygstrap install --check --root ${root} --quiet`, '', directory);
  expect(await check()).toEqual({ exit: 0, stdout: summary(root, '0 differences'), stderr: '' });
  writeFileSync(join(root, 'etc/setup/installed.db'), 'INSTALLED.DB 3\n');
  const changed = await check();
  expect(changed.exit).toBe(1);
  expect(changed.stdout).toContain('missing make: lock: 1.0-1; not installed');
  expect(changed.stderr).toContain('hint: read the other findings');
});

test('--check uses no repo and no keys', async () => {
  for (const option of ['--repo repo', '--keyring key.gpg']) {
    const [name = ''] = option.split(' ');
    expect(await runCommand(`cygstrap install --check --root none ${option}`, '', directory)).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining(`error: --check cannot be combined with ${name}\n`) as string,
    });
  }
});

test('--check fails for a directory without an installation', async () => {
  const { exit, stdout } = await runCommand(`cygstrap install --check --root nothing --quiet`, '', directory);
  expect(exit).toBe(1);
  expect(stdout).toMatch(/^check installed\.db: setup recorded no packages/m);
  expect(stdout).toMatch(/`: 0 of 14 packages compared/);
});

test('the log of an earlier run does not count', async () => {
  const { root } = await install({});
  const { exit, stdout } = await install({ root: basename(root), variant: 'no-start' });
  expect(exit).toBe(1);
  expect(stdout).toMatch(/^log no-log: /m);
});

test('on Windows the bash of the installation runs the check, with its own programs only', () => {
  const { program, root, environment, pathOf } = shellOf(String.raw`C:\cygwin64`, 'win32');
  expect({ program, root, environment, path: pathOf(String.raw`C:\Temp\x\verify.sh`) }).toEqual({
    program: String.raw`C:\cygwin64\bin\bash.exe`,
    root: '',
    environment: { BASH_ENV: '', PATH: String.raw`C:\cygwin64\bin` },
    path: 'C:/Temp/x/verify.sh',
  });
});
