import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { CygstrapError } from '../errors.ts';
import type { Lock } from '../core/lock/lock.ts';
import { printLock } from '../core/lock/print.ts';
import { windowsKit } from '../guest/windows/kit.ts';
import { checkHardware, firmwaresOf } from '../guest/windows/setup.ts';
import type { WindowsSetup } from '../guest/windows/setup.ts';
import type { GuestKind } from '../guest/kind.ts';
import type { FirmwareKind } from '../vm/base/spec.ts';
import { installStage } from '../stages/install.ts';
import type { InstallRequest } from '../stages/install.ts';
import { writeInstallPlan } from '../stages/install-plan.ts';
import type { InstallPlan } from '../stages/install-plan.ts';
import type { InstalledManifest, MachineOptions } from '../stages/manifest.ts';
import { sha256OfFile } from '../io/file-digest.ts';
import { WATCH_LIMITS } from '../stages/watch.ts';
import type { WatchLimits } from '../stages/watch.ts';
import { DEFAULTS } from './defaults.ts';
import { guestKind } from './guest-kinds.ts';
import { readLock } from './lock-file.ts';
import { makeMedia } from './media.ts';
import { archivesOf } from './media-answers.ts';
import { additionsOf } from './media-additions.ts';
import { requireRepoDirectory } from './repo-directory.ts';
import { prepareVm } from './vm-context.ts';
import type { VmContext } from './vm-context.ts';
import { requireWindows } from './windows.ts';
import { requireGuestPackages, requireSetupProgram } from './windows-packages.ts';

export interface VmInstallRequest {
  /** Directory of the repo. */
  readonly repo: string;
  /** The lock file; by default `cygstrap.lock.json`. */
  readonly lock?: string | undefined;
  /** Further files, as for `makeMedia`; by default none. */
  readonly add?: readonly string[] | undefined;
  readonly keyring?: readonly string[] | undefined;
  /** Windows to install; by default the guest kind of the context. */
  readonly windows?: WindowsSetup | undefined;
  /** Hardware that replaces the defaults of the guest kind. */
  readonly machineOptions?: Partial<MachineOptions> | undefined;
  /** Packages of the lock whose postinstall scripts may fail; by default none. */
  readonly allowedPostinstallFailures?: readonly string[] | undefined;
  /** By default the limits of the guest kind, 12 times as long under software emulation, and a screenshot every 30
   *  seconds. */
  readonly limits?: Partial<WatchLimits> | undefined;
}

/** Installs a guest and the packages of a lock into a new machine, from media made of the repo, or returns the existing
 *  installation. Throws what `makeMedia` throws, `usage` for a guest that cannot be installed so, `windows` for
 *  packages that do not run on the Windows, `guest` for a guest that fails, hangs or ends too early, `vm`, `tool`,
 *  `io`, and the reason of the signal. Then nothing is published; console log and last screen are kept in `logs` of the
 *  directory of all stages. */
export async function installVm(request: VmInstallRequest, context?: VmContext): Promise<InstalledManifest> {
  const own = guestContext(context ?? (await prepareVm()), request);
  return installStage(own, await installRequest(request, own));
}

export interface VmInstallPlanRequest extends VmInstallRequest {
  /** Directory for the files of the plan; created if missing. */
  readonly out: string;
}

/** Writes what `installVm` would use into a directory, to be read: the media, the answers and the command line of QEMU.
 *  A placeholder stands for the product key. Throws what `makeMedia` throws, `usage`, `vm`, and the reason of the
 *  signal. */
export async function planInstall(request: VmInstallPlanRequest, context?: VmContext): Promise<InstallPlan> {
  const { windows } = request;
  const shown =
    windows === undefined
      ? {}
      : { windows: { ...windows, productKey: windows.productKey && 'XXXXX-XXXXX-XXXXX-XXXXX-XXXXX' } };
  const own = guestContext(context ?? (await prepareVm()), request);
  return writeInstallPlan(own, await installRequest({ ...request, ...shown }, own), resolve(request.out));
}

function guestContext(context: VmContext, { windows }: Pick<VmInstallRequest, 'windows'>): VmContext {
  return windows === undefined ? context : { ...context, guest: guestKind(windows.kind) };
}

async function installRequest(request: VmInstallRequest, context: VmContext): Promise<InstallRequest> {
  const { guest, cacheDir, env, report, signal } = context;
  const {
    repo,
    lock: lockFile = DEFAULTS.lock,
    add = [],
    keyring = [],
    windows,
    machineOptions = {},
    limits,
  } = request;
  const lock = await readLock(lockFile);
  // An installation that exists needs no repo; a wrong name is an error all the same.
  await requireRepoDirectory(repo);
  const allowedPostinstallFailures = packagesOfLock(lock, request.allowedPostinstallFailures ?? []);
  const additions = await additionsOf(add);
  const { emptyDisksMiB = [], qemuArguments = [], tpm = false, ...rest } = machineOptions;
  const firmware = chooseFirmware(guest, windows, rest.firmware);
  const options = { ...guest.defaults, ...rest, firmware, emptyDisksMiB, tpm, qemuArguments };
  if (windows !== undefined) {
    checkHardware(windows.kind, options);
    requireWindows(windows.kind, lock, { architecture: windows.arch });
    requireGuestPackages(lock);
    const added = additions.map(({ path }) => path);
    await requireSetupProgram({ kind: windows.kind, repo, arch: lock.request.arch, added, keyring });
  }
  const kit = windows === undefined ? await guest.prepare({ cacheDir, report, signal }) : windowsKit(windows);
  return {
    kit,
    ingredients: {
      lock: createHash('sha256').update(printLock(lock)).digest('hex'),
      additions: await Promise.all(
        additions.map(async ({ path, location }) => ({ path, sha256: await sha256OfFile(location) })),
      ),
      machineOptions: options,
      allowedPostinstallFailures,
    },
    archives: archivesOf(lock),
    packages: lock.request.packages,
    limits: { ...WATCH_LIMITS, ...limits },
    makeMedia: async (out, filesOf) => {
      const { image, answers } = await makeMedia(
        { repo, lock: lockFile, windows: windows?.kind, add, keyring, out, answers: { form: kit.answerForm, filesOf } },
        { env, report, signal },
      );
      return { repo: image.path, answers: answers?.path ?? out };
    },
  };
}

/** Returns the names, each once, sorted. Throws `usage` for a name that the lock does not have. */
function packagesOfLock({ packages }: Lock, names: readonly string[]): string[] {
  const unknown = names.find((name) => !packages.some((each) => each.name === name));
  if (unknown !== undefined)
    throw new CygstrapError('usage', `the lock has no package \`${unknown}\` whose postinstall script can fail`, {
      hint: 'correct `--allow-postinstall-failure`, or leave it out',
    });
  return [...new Set(names)].sort();
}

/** Returns the firmware of a machine: the wanted one, or else the default of the kind if the medium starts from it.
 *  Throws `usage` for firmware that the guest cannot start from. */
function chooseFirmware(
  { name, defaults, firmwares }: GuestKind,
  windows: WindowsSetup | undefined,
  wanted: FirmwareKind | undefined,
): FirmwareKind {
  const usable = windows === undefined ? firmwares : firmwaresOf(windows);
  const chosen = wanted ?? (usable.includes(defaults.firmware) ? defaults.firmware : (usable[0] ?? defaults.firmware));
  if (usable.includes(chosen)) return chosen;
  const what = windows === undefined ? name : `${name}, ${windows.arch}`;
  throw new CygstrapError('usage', `\`${what}\` cannot start from firmware \`${chosen}\``, {
    hint:
      usable.length === 0
        ? 'use an image that starts from BIOS or UEFI; `cygstrap media inspect` shows it'
        : `use \`--firmware ${usable.join('` or `')}\``,
  });
}
