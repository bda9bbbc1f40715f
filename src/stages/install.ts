import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Report } from '../events.ts';
import type { GuestError } from '../guest/guest-error.ts';
import type { ArchiveAnswer, InstallKit, SetupCall } from '../guest/kind.ts';
import { makeIdentity } from '../guest/identity.ts';
import { makePassdb } from '../guest/passdb.ts';
import { acceleratorOf } from '../vm/argv.ts';
import { checkSpec } from '../vm/argv/check.ts';
import { MACHINE_ENDS } from '../vm/machine.ts';
import type { MachineSpec } from '../vm/base/spec.ts';
import { requireQemu, requireTool } from '../vm/base/require.ts';
import type { StageContext } from './context.ts';
import { evaluationEnd } from './evaluation.ts';
import { keepingSetupLogs } from './failed-install.ts';
import { firmwareDigests } from './firmware.ts';
import type { FirmwareDigests } from './firmware.ts';
import { writeNewIdentities } from './integrity-cache.ts';
import { installKey } from './keys.ts';
import type { InstallIngredients } from './keys.ts';
import { judgePackages } from './install-report.ts';
import { STAGE_FILES, logPaths } from './layout.ts';
import { bareTemplate, cpuOf, machineSpec } from './machine-spec.ts';
import { STAGE_SCHEMA } from './manifest.ts';
import type { InstalledManifest, MachineOptions } from './manifest.ts';
import type { WatchLimits } from './watch.ts';
import { installError } from './watch/failure.ts';
import { watchInstall } from './watch.ts';
import { reuseOrMake } from './reuse-or-make.ts';
import { startRecorded } from './running-machines.ts';
import { openWork, publishStage } from './stage-store.ts';
import { createStorage, sealStorage, storageIn } from './storage.ts';

/** Files of a media directory. */
export interface InstallMedia {
  readonly repo: string;
  readonly answers: string;
}

/** Returns the files of the answer medium. */
export type AnswersOf = (setup: SetupCall | undefined) => ReadonlyMap<string, Uint8Array>;

export interface InstallRequest {
  readonly kit: InstallKit;
  readonly ingredients: Omit<InstallIngredients, 'guest' | 'kit' | 'cpu' | 'firmware'>;
  /** In install order. */
  readonly archives: readonly ArchiveAnswer[];
  /** Packages of the request, for users. */
  readonly packages: readonly string[];
  readonly limits: WatchLimits;
  /** Writes the media with these answers to a directory. Not called if the stage is reused. */
  readonly makeMedia: (directory: string, answersOf: AnswersOf) => Promise<InstallMedia>;
}

const MIB = 1024 * 1024;

/** Random bytes of a nonce. */
export const NONCE_BYTES = 12;

/** Directory of the media during an installation, in the work directory: they can be large, and /tmp is often in
 *  RAM. */
const MEDIA = 'media';

/** Installs a guest onto a blank disk, or returns the published disk with the same key. A new disk is published only
 *  after the guest has printed the nonce and the host key of the answers, and that its packages are those of the lock,
 *  and powered off. Throws GuestError, VmError
 *  and what `makeMedia` throws; then nothing is published, and the console log and the last screen are kept. */
export async function installStage(context: StageContext, request: InstallRequest): Promise<InstalledManifest> {
  const known = await keyOfInstall(context, request);
  return reuseOrMake(context, { stage: 'install', key: known.key }, async (recorded) => make(recorded, request, known));
}

interface KnownKey {
  readonly key: string;
  readonly firmware: FirmwareDigests | null;
}

/** Returns the key of an installation, and the firmware that is part of it. Throws VmError for a program or firmware
 *  that the machine needs and this host lacks. */
export async function keyOfInstall({ host, guest }: StageContext, request: InstallRequest): Promise<KnownKey> {
  const { machineOptions } = request.ingredients;
  if (machineOptions.tpm) requireTool(host, 'swtpm');
  const firmware = await firmwareDigests(host, machineOptions);
  const cpu = cpuOf(bareTemplate(guest).cpu, host, acceleratorOf({}, requireQemu(host)));
  const key = installKey({ ...request.ingredients, guest: guest.name, kit: request.kit.key, cpu, firmware });
  return { key, firmware };
}

async function make(
  context: StageContext,
  { kit, archives, ingredients, packages, limits, makeMedia }: InstallRequest,
  { key, firmware }: KnownKey,
): Promise<InstalledManifest> {
  const { places, host, guest, version, report, signal } = context;
  const { machineOptions } = ingredients;
  const startMs = performance.now();
  // Refuses too many drives before the media are written, which takes minutes.
  const paths = { repo: join(places.work, 'repo'), answers: join(places.work, 'answers') };
  checkSpec(installSpec(context, { kit, machineOptions, media: paths, directory: places.work }));
  const logs = logPaths(places, 'install', key);
  report({ kind: 'stage-start', stage: 'install', key, ...(kit.edition !== undefined && { edition: kit.edition }) });
  await mkdir(places.logs, { recursive: true, mode: 0o700 });
  await Promise.all([logs.console, logs.screen].map((path) => rm(path, { force: true })));
  await using work = await openWork(places);
  await warnOfSmallDisk(work.path, kit, report);
  const nonce = randomBytes(NONCE_BYTES).toString('hex');
  const identity = await makeIdentity(requireTool(host, 'ssh-keygen'), work.path);
  await makePassdb(requireTool(host, 'pdbedit'), work.path, identity.password);
  report({ kind: 'stage-step', stage: 'install', text: 'write the media' });
  const { firmware: firmwareKind } = machineOptions;
  const media = await makeMedia(join(work.path, MEDIA), (setup) =>
    kit.answerFiles({ ...identity, nonce, archives, firmware: firmwareKind, setup }),
  );
  const storage = storageIn(work.path);
  await createStorage(host, storage, { ...machineOptions, signal });
  const spec = installSpec(context, { kit, machineOptions, media, directory: work.path });
  await keepingSetupLogs(context, { kit, secrets: [identity.password], disk: storage.disk, logs }, async () => {
    await using machine = await startRecorded(context, spec, {
      work,
      activity: 'install',
      key,
      consoleLog: logs.console,
    });
    const { markers, exit, lastLine, step, phase } = await watchInstall(machine, {
      guest,
      progress: kit.progress,
      limits,
      isEmulated: acceleratorOf(spec, requireQemu(host)) === 'tcg',
      screen: logs.screen,
      report,
      signal,
    });
    const failure = (why: string, before?: string): GuestError =>
      installError(
        `the installation failed: ${why}`,
        { step, consoleLog: logs.console, screen: logs.screen },
        { before },
      );
    if (exit.reason === 'died') throw exit.error;
    const failed = markers.find((marker) => marker.kind === 'failed');
    if (failed !== undefined) throw failure(`the guest reports: ${failed.text}`);
    if (exit.reason !== 'guest-shutdown')
      throw failure(`${MACHINE_ENDS[exit.reason]}; the last line of its console: ${lastLine}`);
    const installed = markers.filter((marker) => marker.kind === 'installed');
    if (installed.length === 0)
      throw failure(`the guest powered off before it reported that it is installed, in step \`${step}\``, phase.hint);
    if (!installed.some((marker) => marker.nonce === nonce))
      throw failure('the guest reported the nonce of another installation');
    const hostKeys = markers.filter((marker) => marker.kind === 'hostkey');
    if (hostKeys.some(({ key: reported }) => reported !== identity.hostKey.publicKey))
      throw failure('the guest reported another host key than the one of the answers');
    if (hostKeys.length === 0) throw failure('the guest did not report its host key');
    const refusal = await judgePackages(
      markers,
      { packages: archives.length, postinstallFailures: ingredients.allowedPostinstallFailures },
      { accepted: join(work.path, STAGE_FILES.report), refused: logs.report, report },
    );
    if (refusal !== undefined) throw failure(refusal.reason, refusal.hint);
  });
  report({ kind: 'stage-step', stage: 'install', text: 'seal the disk' });
  await rm(join(work.path, MEDIA), { recursive: true, force: true });
  for (const { name, path } of kit.bootFiles) await copyFile(path, join(work.path, name));
  const sealed = await sealStorage(host, storage, { ...machineOptions, signal });
  const installedMs = Date.now();
  const manifest: InstalledManifest = {
    schema: STAGE_SCHEMA,
    stage: 'install',
    key,
    guest: guest.name,
    machineOptions,
    made: {
      packages,
      lock: ingredients.lock,
      description: kit.description,
      installed: new Date(installedMs).toISOString(),
      evaluationEnds: kit.evaluationDays === undefined ? null : evaluationEnd(installedMs, kit.evaluationDays),
      version,
      durationMs: Math.round(performance.now() - startMs),
    },
    firmware: firmware?.code ?? null,
    disk: sealed.disk.stamp,
    vars: sealed.vars?.stamp ?? null,
    tpm: sealed.tpm?.stamp ?? null,
  };
  signal.throwIfAborted();
  await publishStage(places, work, manifest);
  await writeNewIdentities(places, manifest, sealed);
  report({ kind: 'stage-done', stage: 'install', key, durationMs: performance.now() - startMs });
  return manifest;
}

/** Reports a warning if the file system has less space than an installed disk usually needs. */
async function warnOfSmallDisk(directory: string, { usualDiskMiB }: InstallKit, report: Report): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  const freeMiB = Math.floor((bavail * bsize) / MIB);
  if (freeMiB >= usualDiskMiB) return;
  report({
    kind: 'warning',
    message: `\`${directory}\` has ${freeMiB} MiB free, and the installed disk usually needs ${usualDiskMiB} MiB`,
  });
}

interface InstallMachine extends Pick<InstallRequest, 'kit'> {
  readonly machineOptions: MachineOptions;
  readonly media: InstallMedia;
  /** Directory of its disk. */
  readonly directory: string;
}

/** Returns the machine of an installation. Throws VmError if the host lacks what it needs. */
export function installSpec(
  { host }: Pick<StageContext, 'host'>,
  { kit, machineOptions, media, directory }: InstallMachine,
): MachineSpec {
  const storage = storageIn(directory);
  const template = kit.installMachine({
    disk: { kind: 'file', path: storage.disk, format: 'qcow2', writes: 'persistent' },
    ...media,
  });
  return machineSpec(template, machineOptions, {
    name: 'install',
    host,
    storage,
    backing: { kind: 'private' },
    start: 'running',
    onReset: kit.progress.restarts === undefined ? 'exit' : 'reset',
  });
}
