import { randomBytes } from 'node:crypto';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CygstrapError } from '../errors.ts';
import { removeUnused } from '../guest/linux/image-store.ts';
import { replaceFile } from '../io/atomic-file.ts';
import { evaluationWarning } from '../stages/evaluation.ts';
import { STAGES, identitiesPath, logPaths, stagePath, timesOfStage } from '../stages/layout.ts';
import type { StageName, VmPlaces } from '../stages/layout.ts';
import {
  listLeftovers,
  listStageEntries,
  removeSmallLeftovers,
  sortedNamesIn,
  stagesInUse,
  withStageLock,
} from '../stages/stage-store.ts';
import type { StageEntry, StageUse } from '../stages/stage-store.ts';
import { imageDirectoryOf, placesOfVm, stageByPrefix } from './vm-context.ts';
import type { VmDirectory } from './vm-context.ts';

/** A stage as `vm ls` prints it. */
export interface StageListing {
  readonly stage: StageName;
  readonly key: string;
  /** Name of the guest kind; null for a damaged stage. */
  readonly guest: string | null;
  /** Disk space of its files. */
  readonly usedBytes: number;
  /** Milliseconds since 1970. */
  readonly madeMs: number;
  readonly isInUse: boolean;
  /** The ingredients of the stage, for users; for a damaged stage, the damage. */
  readonly madeOf: string;
  readonly isDamaged: boolean;
  /** Date and time in UTC at which the evaluation edition of Windows ends; null for other guests and damaged stages. */
  readonly evaluationEnds: string | null;
}

/** Lists all stages, installed disks first, then by age. Damaged stages are listed too. Throws `io`. */
export async function listStages(directory: VmDirectory = {}): Promise<StageListing[]> {
  const places = placesOfVm(directory);
  const uses = await stagesInUse(places);
  const listed = await Promise.all(
    (await listStageEntries(places)).map(async (entry) => listingOf(places, entry, isUsed(uses, entry))),
  );
  return listed.sort((a, b) => STAGES.indexOf(a.stage) - STAGES.indexOf(b.stage) || a.madeMs - b.madeMs);
}

/** Returns a warning for an installed disk whose evaluation ends within ten days; undefined for other stages. Pure.
 *  @param nowMs milliseconds since 1970 */
export function warningOf({ stage, key, evaluationEnds }: StageListing, nowMs: number): string | undefined {
  const warning = stage === 'install' ? evaluationWarning(evaluationEnds, nowMs) : undefined;
  return warning === undefined ? undefined : `${stage} ${key}: ${warning}`;
}

async function listingOf(places: VmPlaces, entry: StageEntry, isInUse: boolean): Promise<StageListing> {
  const { stage, key, manifest } = entry;
  const path = stagePath(places, stage, key);
  const sizes = await Promise.all(
    (await sortedNamesIn(path)).map(async (name) => (await stat(join(path, name))).blocks * 512),
  );
  return {
    stage,
    key,
    guest: manifest?.guest ?? null,
    usedBytes: sizes.reduce((sum, size) => sum + size, 0),
    madeMs: Math.floor((await stat(path)).mtimeMs),
    isInUse,
    madeOf: descriptionOf(entry),
    isDamaged: manifest === undefined,
    evaluationEnds: manifest?.made.evaluationEnds ?? null,
  };
}

function descriptionOf(entry: StageEntry): string {
  if (entry.manifest === undefined) return `damaged: ${entry.damage.message}`;
  const { manifest } = entry;
  return manifest.stage === 'install'
    ? `lock ${manifest.made.lock.slice(0, 12)}: ${manifest.made.packages.join(' ') || 'Base'}`
    : `install ${manifest.install.slice(0, 12)}, QEMU ${manifest.machine.qemu} (${manifest.machine.accelerator})`;
}

function isUsed(uses: readonly StageUse[], { key }: StageUse): boolean {
  return uses.some((use) => use.key === key);
}

/** Removes stages by the first characters of their keys, damaged stages too. Throws `usage` for a stage that is in use,
 *  that a snapshot depends on, or that does not exist; then nothing is removed. */
export async function removeStages(prefixes: readonly string[], context: VmDirectory = {}): Promise<StageUse[]> {
  const places = placesOfVm(context);
  const { signal } = context;
  const stages = await listStageEntries(places);
  const chosen = [...new Set(prefixes.map((prefix) => stageByPrefix(stages, prefix)))];
  const uses = await stagesInUse(places);
  for (const entry of chosen) {
    const { stage, key } = entry;
    if (isUsed(uses, entry))
      throw new CygstrapError('usage', `${stage} ${key} is in use`, { hint: 'wait for the runs that use it' });
    const dependent = stages.find((each) => isSnapshotOf(each, key) && !chosen.includes(each));
    if (dependent !== undefined)
      throw new CygstrapError('usage', `snapshot ${dependent.key} depends on install ${key}`, {
        hint: 'remove the snapshot too',
      });
  }
  const inOrder = chosen.sort((a, b) => STAGES.indexOf(b.stage) - STAGES.indexOf(a.stage));
  for (const entry of inOrder) await removeStage(places, entry, signal);
  return inOrder.map(({ stage, key }) => ({ stage, key }));
}

function isSnapshotOf({ manifest }: StageEntry, installKey: string): boolean {
  return manifest?.stage === 'snapshot' && manifest.install === installKey;
}

async function removeStage(places: VmPlaces, use: StageUse, signal: AbortSignal | undefined): Promise<void> {
  const { stage, key } = use;
  await withStageLock(places, { stage, key }, { signal }, async () => {
    const path = stagePath(places, stage, key);
    const aside = join(places.root, stage, `.${key}.${randomBytes(4).toString('hex')}`);
    await replaceFile(path, aside);
    // A process can start to use the stage between the check of the caller and the rename.
    if (isUsed(await stagesInUse(places), use)) {
      await replaceFile(aside, path);
      throw new CygstrapError('usage', `${stage} ${key} is in use`, { hint: 'wait for the runs that use it' });
    }
    await rm(aside, { recursive: true, force: true });
    const logs = logPaths(places, stage, key);
    await Promise.all(
      [...Object.values(logs), identitiesPath(places, stage, key), ...timesOfStage(places, stage, key)].map((each) =>
        rm(each, { recursive: true, force: true }),
      ),
    );
  });
}

export interface Collected {
  /** Directories and files that ended processes left. */
  readonly leftovers: readonly string[];
  readonly removed: readonly StageUse[];
  /** Unused images and saved controllers. */
  readonly images: readonly string[];
}

export interface CollectRequest {
  /** Remove stages that are older than this, in milliseconds; by default only damaged stages. */
  readonly olderThanMs?: number | undefined;
  /** Current time in milliseconds since 1970. Default: the clock of the system. */
  readonly nowMs?: number | undefined;
}

/** How long an unused image is kept if `olderThanMs` is not given. */
const UNUSED_MS = 30 * 24 * 60 * 60_000;

/** Removes what interrupted work left, damaged stages, and stages that are older than `olderThanMs`. Keeps stages in
 *  use and installed disks that a snapshot depends on. Removes images and saved controllers from the user's cache that
 *  were not used for `olderThanMs`, or for 30 days. Throws `io`. */
export async function collectStages(
  { olderThanMs, nowMs = Date.now() }: CollectRequest = {},
  context: VmDirectory = {},
): Promise<Collected> {
  const places = placesOfVm(context);
  const leftovers = await listLeftovers(places);
  for (const path of leftovers) await rm(path, { recursive: true, force: true });
  await removeSmallLeftovers(places, nowMs);
  const removed: StageUse[] = [];
  const uses = await stagesInUse(places);
  for (const stage of STAGES.toReversed()) {
    for (const entry of await listStageEntries(places, [stage])) {
      const { key, manifest } = entry;
      const { mtimeMs } = await stat(stagePath(places, stage, key));
      const isOld = olderThanMs !== undefined && nowMs - mtimeMs >= olderThanMs;
      if ((!isOld && manifest !== undefined) || isUsed(uses, entry)) continue;
      if (stage === 'install' && (await listStageEntries(places, ['snapshot'])).some((each) => isSnapshotOf(each, key)))
        continue;
      await removeStage(places, entry, context.signal);
      removed.push({ stage, key });
    }
  }
  return {
    leftovers,
    removed,
    images: await removeUnused(imageDirectoryOf(context), { unusedMs: olderThanMs ?? UNUSED_MS, nowMs }),
  };
}
