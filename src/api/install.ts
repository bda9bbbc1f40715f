import { readFile, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { LockComparison } from '../core/lock/comparison.ts';
import { CygstrapError } from '../errors.ts';
import type { Report } from '../events.ts';
import type { Finding } from '../guest/finding.ts';
import { ProgramError, startProgram } from '../io/program.ts';
import { ioError, isMissing } from '../io/system-error.ts';
import type { RepoPlaces } from '../repo/files/layout.ts';
import { placesOf } from '../repo/files/layout.ts';
import { installerPaths } from '../repo/files/path.ts';
import { indexOfArch } from '../repo/index-files.ts';
import { layoutOf } from '../repo/repo.ts';
import type { InstallReport } from '../stages/install-report.ts';
import { trustedKeys } from '../trust/verifier.ts';
import { verifyDetached } from '../trust/verify.ts';
import { checkInstallation } from './installation-check.ts';
import type { OperationContext } from './context.ts';
import { DEFAULTS } from './defaults.ts';
import { verifiedArchives } from './lock-archives.ts';
import { requireAgreement } from './lock-comparison.ts';
import type { NamedLock } from './lock-comparison.ts';
import { readLock } from './lock-file.ts';
import { installerOf } from './media-installer.ts';
import { requireRepoDirectory } from './repo-directory.ts';
import { archivesIn, readIndexForSetup, setupCommandOf, unlistedPackages } from './setup-command.ts';
import type { IndexForSetup } from './setup-command.ts';

/** Without asking for an administrator, without shortcuts, and without a note about a newer setup program.
 *  Source: cygwin-setup main.cc, desktop.cc, ini.cc @ 09e4f16. */
const UNATTENDED = ['--no-admin', '--no-desktop', '--no-shortcuts', '--no-startmenu', '--no-version-check'];

/** Setup exits with 0, or with 118 if the next restart of Windows replaces files that are in use. Any other exit code
 *  is a failure. Source: cygwin-setup main.cc. */
const SUCCESS = [0, 118];

/** What to do about a finding where setup runs on this computer, by kind; the others have the advice of machines. Setup
 *  keeps installed packages that a later request does not name. */
const ADVICE: Readonly<Partial<Record<Finding['kind'], string>>> = {
  missing: 'read the other findings and `var/log/setup.log.full` of the installation, and repeat the command',
  version: 'repeat the command; if that changes nothing, install into an empty directory',
  extra: 'remove it with the option `--remove-packages` of the setup program, or make a lock that has it',
  empty: 'see that the disk has space and that no other program scans the files, and repeat the command',
  incomplete: 'see that the disk has space and that no other program scans the files, and repeat the command',
  check: 'see that the directory has an installation, and that its programs can run',
};

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
  /** Reasons why not everything was compared, as text. */
  readonly gaps: readonly string[];
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
 *  setup program, the archives and the index are verified before it runs. The check runs programs of the installation.
 *  Throws `not-found` or `lock` for the lock, `repo` for a repo without an index of all its packages or without a setup
 *  program, `verify` for damaged or missing archives, `signature`, `tool` if a program cannot run, and `io`. */
export async function installRepo(
  { repo, root, lock: file = DEFAULTS.lock, keyring = [], postinstallFailures = [] }: InstallRequest,
  { report = () => {}, signal }: OperationContext = {},
): Promise<InstallResult> {
  const lock = await readLock(file);
  const place = resolve(root);
  await requireNoFile(place);
  if (repo !== undefined) await requireRepoDirectory(repo);
  const setup =
    repo === undefined
      ? null
      : await runSetup({ named: { file, lock }, repo: resolve(repo), root: place, keyring }, report, signal);
  const { report: compared, gaps } = await checkInstallation(
    { root: place, packages: lock.packages, postinstallFailures },
    { signal },
  );
  const hasSucceeded = setup === null || SUCCESS.includes(setup.exitCode ?? -1);
  const { packages } = compared;
  const findings = compared.findings.map((finding) => ({ ...finding, advice: ADVICE[finding.kind] ?? finding.advice }));
  const isAsLocked = gaps.length === 0 && findings.every(({ isAllowed }) => isAllowed);
  return { root: place, lock: file, setup, packages, findings, gaps, isInstalled: hasSucceeded && isAsLocked };
}

/** Throws `usage` for a file in the place of the installation, and `io`. */
async function requireNoFile(root: string): Promise<void> {
  const status = await stat(root).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw ioError(error, 'read the status of', root);
  });
  if (status !== undefined && !status.isDirectory())
    throw new CygstrapError('usage', `not a directory: \`${root}\``, {
      hint: 'name the directory of the installation with `--root`',
    });
}

interface SetupTask {
  readonly named: NamedLock;
  readonly repo: string;
  readonly root: string;
  readonly keyring: readonly string[];
}

async function runSetup(
  { named, repo, root, keyring }: SetupTask,
  report: Report,
  signal: AbortSignal | undefined,
): Promise<SetupRun> {
  const { lock } = named;
  const places = placesOf(repo, layoutOf(repo));
  const installer = await installerOf(places, lock.request.arch, keyring);
  if (installer === undefined) {
    const { program } = installerPaths(lock.request.arch);
    throw new CygstrapError('repo', `the setup program is not in the repo \`${repo}\``, {
      hint:
        'fetch it with `cygstrap fetch --installer`; without network, copy ' +
        `\`${program}\` and \`${program}.sig\` there from the repo that a bundle comes from`,
    });
  }
  await verifiedArchives(repo, lock, signal);
  const forSetup = await verifiedIndex(named, { places, keyring });
  const program = join(repo, places.base, installer.name);
  const call = await setupCommandOf(lock, forSetup, { kind: 'directory', path: repo }, { program, keyring });
  if (call === null) {
    const unlisted = unlistedPackages(lock, archivesIn(forSetup.records));
    throw new CygstrapError('repo', `the index of \`${repo}\` does not list ${unlisted.join(', ')} of the lock`, {
      hint: 'repeat `cygstrap fetch`; if the mirror has newer versions only, update the lock with `cygstrap update`',
    });
  }
  const words = [...call.arguments, ...UNATTENDED, '--root', root];
  await removeLog(root);
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

/** Removes the log of an earlier run: a setup program that ends early would leave it. Throws `io`. */
async function removeLog(root: string): Promise<void> {
  const log = join(root, 'var/log/setup.log.full');
  try {
    await rm(log, { force: true });
  } catch (error) {
    throw ioError(error, 'remove', log);
  }
}

/** Reads the index that setup will read, and verifies its signature. An index without one is accepted if this repo made
 *  it from its verified archives, or if the index of the lock has none either. Throws `repo` without an index,
 *  `signature`, `lock` if it contradicts the lock, and what reading an index throws. */
async function verifiedIndex(
  { file, lock }: NamedLock,
  { places, keyring }: { readonly places: RepoPlaces; readonly keyring: readonly string[] },
): Promise<IndexForSetup> {
  const { arch } = lock.request;
  const found = indexOfArch(places, arch);
  if (found === undefined)
    throw new CygstrapError('repo', `\`${places.root}\` has no index for ${arch}`, {
      hint: 'make the repo with `cygstrap fetch --installer`',
    });
  const { index, signature } = found;
  const { path, location } = index;
  const bytes = await readPart(location);
  const { records } = await readIndexForSetup(lock, { name: path, bytes, isSigned: signature !== undefined });
  const comparison = new LockComparison(lock);
  comparison.add(records);
  requireAgreement(file, comparison, path);
  if (lock.indexes.every(({ signer }) => signer === 'unsigned') && !index.isSubset)
    return { records, signer: 'unsigned' };
  if (signature === undefined) {
    if (index.isSubset) return { records, signer: 'unsigned' };
    throw new CygstrapError('signature', `\`${location}\` has no signature, but the index of the lock was signed`, {
      hint: 'repeat `cygstrap fetch`',
    });
  }
  const answer = await verifyDetached(bytes, await readPart(signature), await trustedKeys(keyring));
  if (answer.kind === 'verified') return { records, signer: answer.fingerprint };
  throw new CygstrapError('signature', `\`${location}\` is refused: ${answer.message}`, {
    hint: 'repeat `cygstrap fetch`, or trust the key of the repo with `--keyring FILE`',
    details: { reason: answer.reason },
  });
}

async function readPart(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw ioError(error, 'read', path);
  }
}
