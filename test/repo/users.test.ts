import { execFile } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { verifyRepo } from '../../src/api/verify.ts';
import { PROJECT } from '../support/transcript.ts';
import { programsForOthers } from '../support/user.ts';
import { temporaryDirectory } from './support.ts';

const GROUP = 65_500;
const [ALICE, BOB] = [65_501, 65_502];

const isRoot = process.getuid?.() === 0;
const reason = !isRoot
  ? ' (skipped: only root can be two users)'
  : process.platform === 'linux'
    ? ''
    : ' (skipped: Linux only)';

let programs: ReturnType<typeof programsForOthers>;
beforeAll(() => {
  if (!isRoot) {
    programs = { node: process.execPath, project: PROJECT };
    return undefined;
  }
  const directory = mkdtempSync(join(tmpdir(), 'cygstrap-programs-'));
  chmodSync(directory, 0o755);
  programs = programsForOthers(directory);
  return () => rmSync(directory, { recursive: true, force: true });
});

interface Run {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs cygstrap as a user of the group, or, for an ordinary user, who can be nobody else, as that user. */
async function runAs(user: number, umask: string, directory: string, ...words: string[]): Promise<Run> {
  const { node, project } = programs;
  const home = join(directory, `home-${user}`);
  mkdirSync(home, { recursive: true });
  const change = isRoot ? ['setpriv', `--reuid=${user}`, `--regid=${GROUP}`, '--clear-groups'] : [];
  if (isRoot) chownSync(home, user, GROUP);
  const cygstrap = [node, join(project, 'bin/cygstrap.js'), ...words];
  const [program = '', ...args] = [...change, 'sh', '-c', `umask ${umask}; exec "$0" "$@"`, ...cygstrap];
  const env = { PATH: process.env['PATH'], HOME: home, XDG_CACHE_HOME: join(home, 'cache') };
  try {
    const { stdout, stderr } = await promisify(execFile)(program, args, { env, cwd: directory });
    return { exit: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { exit: code, stdout, stderr };
  }
}

/** Fetches packages as a user of the group into a repo that both can reach. */
function fetchAs(user: number, umask: string, directory: string, ...packages: string[]): Promise<Run> {
  const release = join(programs.project, 'fixtures/release');
  const site = ['--site', release, '--keyring', join(release, 'key.gpg')];
  const lock = join(directory, `home-${user}`, `${packages.join('-')}.lock.json`);
  return runAs(
    user,
    umask,
    directory,
    'fetch',
    ...packages,
    ...site,
    '--repo',
    join(directory, 'repo'),
    '--lock',
    lock,
  );
}

/** A directory in which both users can make a repo. */
function sharedDirectory(): string {
  const directory = temporaryDirectory();
  chmodSync(directory, 0o755);
  mkdirSync(join(directory, 'repo'));
  if (isRoot) chownSync(join(directory, 'repo'), ALICE, GROUP);
  chmodSync(join(directory, 'repo'), 0o2775);
  return directory;
}

const indexOf = (directory: string): string => readFileSync(join(directory, 'repo/x86_64/setup.ini'), 'utf8');

function filesBelow(directory: string): string[] {
  return readdirSync(join(directory, 'repo'), { recursive: true, encoding: 'utf8' }).toSorted();
}

describe('two users of one group with one repo', () => {
  test.skipIf(reason !== '')(`with the umask 002 both change it${reason}`, async () => {
    const directory = sharedDirectory();
    expect(await fetchAs(ALICE, '002', directory, 'bash')).toMatchObject({ exit: 0 });
    expect(await fetchAs(BOB, '002', directory, 'openssh')).toMatchObject({ exit: 0 });
    const again = await fetchAs(ALICE, '002', directory, 'openssh');
    expect(again).toMatchObject({ exit: 0, stdout: expect.stringContaining('0 fetched') as string });
    expect(await verifyRepo({ repo: join(directory, 'repo') })).toMatchObject({ damaged: 0 });
  });

  test.skipIf(reason !== '')(`with the umask 077 of the first the second gets an error${reason}`, async () => {
    const directory = sharedDirectory();
    expect(await fetchAs(ALICE, '077', directory, 'bash')).toMatchObject({ exit: 0 });
    const before = [indexOf(directory), filesBelow(directory)];
    expect(await fetchAs(BOB, '002', directory, 'openssh')).toMatchObject({
      exit: 3,
      stderr: expect.stringMatching(
        /^error: cannot .*: permission denied\n.*hint: make the directory writable/ms,
      ) as string,
    });
    expect([indexOf(directory), filesBelow(directory)]).toEqual(before);
    expect(await fetchAs(ALICE, '077', directory, 'openssh')).toMatchObject({ exit: 0 });
  });

  test.skipIf(reason !== '')(
    `with the umask 077 of the second the repo stays whole for the first${reason}`,
    async () => {
      const directory = sharedDirectory();
      expect(await fetchAs(ALICE, '002', directory, 'bash')).toMatchObject({ exit: 0 });
      expect(await fetchAs(BOB, '077', directory, 'openssh')).toMatchObject({ exit: 0 });
      expect(await verifyRepo({ repo: join(directory, 'repo') })).toMatchObject({ damaged: 0 });
      const before = [indexOf(directory), filesBelow(directory)];
      const last = await fetchAs(ALICE, '002', directory, 'openssh');
      if (last.exit !== 0) {
        expect(last).toMatchObject({
          exit: 3,
          stderr: expect.stringMatching(
            /^error: cannot .*: permission denied\n.*hint: make the directory writable/ms,
          ) as string,
        });
        expect([indexOf(directory), filesBelow(directory)]).toEqual(before);
      }
      expect(await fetchAs(BOB, '077', directory, 'openssh')).toMatchObject({ exit: 0 });
    },
  );
});

test.skipIf(process.platform === 'win32')('a file without permission is a finding (skipped on Windows)', async () => {
  const directory = sharedDirectory();
  expect(await fetchAs(ALICE, '022', directory, 'bash')).toMatchObject({ exit: 0 });
  const [archive = ''] = filesBelow(directory).filter((path) => path.includes('bash') && path.endsWith('.tar.xz'));
  chmodSync(join(directory, 'repo', archive), 0);
  expect(await runAs(ALICE, '022', directory, 'verify', join(directory, 'repo'))).toMatchObject({
    exit: 1,
    stdout: expect.stringContaining(`${archive}: cannot be read: EACCES`) as string,
  });
});
