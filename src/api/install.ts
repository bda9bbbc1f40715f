import { readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Lock } from '../core/lock/lock.ts';
import { CygstrapError } from '../errors.ts';
import type { Report } from '../events.ts';
import { ProgramError, startProgram } from '../io/program.ts';
import { ioError, isMissing } from '../io/system-error.ts';
import { indexOfArch } from '../repo/index-files.ts';
import { inspectRepo } from '../repo/repo.ts';
import { installerPaths } from '../repo/files/path.ts';
import type { InstallReport } from '../stages/install-report.ts';
import { trustedKeys } from '../trust/verifier.ts';
import { verifyDetached } from '../trust/verify.ts';
import { checkInstallation } from './installation-check.ts';
import type { OperationContext } from './context.ts';
import { DEFAULTS } from './defaults.ts';
import { readLock } from './lock-file.ts';
import { archivesIn, readIndexForSetup, setupCommandOf, unlistedPackages } from './setup-command.ts';

/** Without asking for an administrator, without shortcuts, and without a note about a newer setup program.
 *  Source: cygwin-setup main.cc, desktop.cc, ini.cc @ 09e4f16. */
const UNATTENDED = ['--no-admin', '--no-desktop', '--no-shortcuts', '--no-startmenu', '--no-version-check'];

/** Setup exits with 0, or with 118 if the next restart of Windows replaces files that are in use. Any other exit code
 *  is a failure. Source: cygwin-setup main.cc. */
const SUCCESS = [0, 118];

export interface InstallRequest {
  /** Directory of the repo with the setup program; without it the installation is only checked. */
  readonly repo?: string | undefined;
  /** Directory of the installation. */
  readonly root: string;
  /** The lock file; by default `cygstrap.lock.json`. */
  readonly lock?: string | undefined;
  /** Files of keys that may have signed the setup program or the index, besides Cygwin's own. Default: none. */
  readonly keyring?: readonly string[] | undefined;
  /** Packages whose postinstall scripts may fail. Default: none. */
  readonly postinstallFailures?: readonly string[] | undefined;
}

export interface InstallResult extends Pick<InstallReport, 'packages' | 'findings'> {
  /** Absolute. */
  readonly root: string;
  readonly lock: string;
  /** The call of setup and its exit code, null after a signal; null if the installation was only checked. */
  readonly setup: SetupRun | null;
  /** Whether setup succeeded, and everything is as in the lock, except findings that the request allows. */
  readonly isInstalled: boolean;
}

export interface SetupRun {
  readonly program: string;
  readonly arguments: readonly string[];
  readonly exitCode: number | null;
}

/** Installs the packages of a lock with Cygwin's setup program, which runs on Windows only, from a repo that has both.
 *  Then compares the installation with the lock: setup exits with 0 also if it left out packages or scripts failed. The
 *  signature of the setup program is verified before it runs. Throws `not-found` or `lock` for the lock, `repo` for a
 *  repo without an index of all its packages or without a setup program, `signature`, `tool` if a program cannot run,
 *  and errors of the system. */
export async function installRepo(
  { repo, root, lock: file = DEFAULTS.lock, keyring = [], postinstallFailures = [] }: InstallRequest,
  { report = () => {}, signal }: OperationContext = {},
): Promise<InstallResult> {
  const lock = await readLock(file);
  const place = resolve(root);
  const setup =
    repo === undefined ? null : await runSetup({ lock, repo: resolve(repo), root: place, keyring }, report, signal);
  const { packages, findings, isComplete } = await checkInstallation(
    { root: place, packages: lock.packages, postinstallFailures },
    { signal },
  );
  const hasSucceeded = setup === null || SUCCESS.includes(setup.exitCode ?? -1);
  const isAsLocked = isComplete && findings.every(({ isAllowed }) => isAllowed);
  return { root: place, lock: file, setup, packages, findings, isInstalled: hasSucceeded && isAsLocked };
}

interface SetupTask {
  readonly lock: Lock;
  readonly repo: string;
  readonly root: string;
  readonly keyring: readonly string[];
}

async function runSetup(
  { lock, repo, root, keyring }: SetupTask,
  report: Report,
  signal: AbortSignal | undefined,
): Promise<SetupRun> {
  const { arch } = lock.request;
  const { base, index } = indexIn(repo, arch);
  const { program, signature } = installerPaths(arch);
  const location = join(repo, base, program);
  await verifyProgram(location, join(repo, base, signature), keyring);
  const bytes = await readFile(index.location);
  const forSetup = await readIndexForSetup(lock, { name: index.path, bytes, isSigned: index.isSigned });
  const call = await setupCommandOf(lock, forSetup, { kind: 'directory', path: repo }, { program: location, keyring });
  if (call === null) {
    const unlisted = unlistedPackages(lock, archivesIn(forSetup.records));
    throw new CygstrapError('repo', `the index of \`${repo}\` does not list ${unlisted.join(', ')} of the lock`, {
      hint: 'repeat `cygstrap fetch`; if the mirror has newer versions only, update the lock with `cygstrap update`',
    });
  }
  const words = [...call.arguments, ...UNATTENDED, '--root', root];
  // A setup program that ends early would leave the log of an earlier run.
  await rm(join(root, 'var/log/setup.log.full'), { force: true });
  report({ kind: 'note', message: `setup installs into \`${root}\`` });
  try {
    await using running = await startProgram([call.program, ...words], { signal });
    running.stdin.end();
    running.stdout.resume();
    const { code } = await running.exited;
    signal?.throwIfAborted();
    return { program: call.program, arguments: words, exitCode: code };
  } catch (error) {
    if (!(error instanceof ProgramError) || process.platform === 'win32') throw error;
    throw new CygstrapError('tool', error.message, {
      hint: 'setup runs on Windows: copy the repo there, or install it in a guest with `cygstrap vm install`',
      details: error.details,
      cause: error.cause,
    });
  }
}

/** Returns the index that setup reads for an architecture, and its base. */
function indexIn(
  repo: string,
  arch: string,
): {
  readonly base: string;
  readonly index: { readonly path: string; readonly location: string; readonly isSigned: boolean };
} {
  for (const base of inspectRepo(repo).bases) {
    const found = indexOfArch({ root: repo, base }, arch);
    if (found !== undefined) return { base, index: { ...found.index, isSigned: found.signature !== undefined } };
  }
  throw new CygstrapError('repo', `\`${repo}\` has no index for ${arch}`, {
    hint: 'make the repo with `cygstrap fetch --installer`',
  });
}

async function verifyProgram(program: string, signature: string, keyring: readonly string[]): Promise<void> {
  const answer = await verifyDetached(await readPart(program), await readPart(signature), await trustedKeys(keyring));
  if (answer.kind === 'verified') return;
  throw new CygstrapError('signature', `\`${program}\` is refused: ${answer.message}`, {
    hint: 'fetch it again with `cygstrap fetch --installer`',
    details: { reason: answer.reason },
  });
}

async function readPart(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    if (!isMissing(error)) throw ioError(error, 'read', path);
    throw new CygstrapError('repo', `the setup program is not in the repo: \`${path}\` does not exist`, {
      hint: 'fetch it with `cygstrap fetch --installer`',
    });
  }
}
