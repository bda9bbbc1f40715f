import { rm, stat } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { replaceFile } from '../io/atomic-file.ts';
import { CygstrapError } from '../errors.ts';
import { removeUnused } from '../guest/linux/cache.ts';
import { STAGES, intactPath, logPaths, stagePath } from '../stages/layout.ts';
import type { StageName, VmPlaces } from '../stages/layout.ts';
import type { Manifest } from '../stages/manifest.ts';
import { listLeftovers, namesIn, removeLeftover, stagesInUse, withStageLock } from '../stages/workshop.ts';
import { userCacheDirectory } from '../io/user-dirs.ts';
import { placesOfVm, publishedStages, stageByPrefix } from './vm-context.ts';
import type { VmDirectory } from './vm-context.ts';

/** A stage as `vm ls` shows it. */
export interface StageListing {
  readonly stage: StageName;
  readonly key: string;
  readonly guest: string;
  /** What its files take of the disk. */
  readonly usedBytes: number;
  /** Milliseconds since 1970. */
  readonly madeMs: number;
  readonly isInUse: boolean;
  /** Why it exists: what it was made of. */
  readonly madeOf: string;
}

/** Lists every stage, installed disks first. Throws `io`. */
export async function listStages(directory: VmDirectory): Promise<StageListing[]> {
  const places = placesOfVm(directory);
  const uses = await stagesInUse(places);
  const listed = await Promise.all(
    (await publishedStages(places)).map(async (manifest) =>
      listingOf(
        places,
        manifest,
        uses.some(({ key }) => key === manifest.key),
      ),
    ),
  );
  return listed.sort((a, b) => STAGES.indexOf(a.stage) - STAGES.indexOf(b.stage) || a.madeMs - b.madeMs);
}

async function listingOf(places: VmPlaces, manifest: Manifest, isInUse: boolean): Promise<StageListing> {
  const { stage, key, guest } = manifest;
  const path = stagePath(places, stage, key);
  const sizes = await Promise.all(
    (await namesIn(path)).map(async (name) => (await stat(join(path, name))).blocks * 512),
  );
  return {
    stage,
    key,
    guest,
    usedBytes: sizes.reduce((sum, size) => sum + size, 0),
    madeMs: Math.floor((await stat(path)).mtimeMs),
    isInUse,
    madeOf:
      manifest.stage === 'install'
        ? `lock ${manifest.made.lock.slice(0, 12)}: ${manifest.made.packages.join(' ') || 'Base'}`
        : `install ${manifest.install.slice(0, 12)}, QEMU ${manifest.machine.qemu} (${manifest.machine.accelerator})`,
  };
}

/** Where stages are removed. */
export interface RemovalContext extends VmDirectory {
  readonly signal?: AbortSignal | undefined;
}

/** Removes stages by the beginnings of their keys. Throws `usage` for one that is in use, that others stand on, or that is not there;
 *  nothing is removed then. */
export async function removeStages(prefixes: readonly string[], context: RemovalContext): Promise<Manifest[]> {
  const places = placesOfVm(context);
  const { signal } = context;
  const stages = await publishedStages(places);
  const chosen = [...new Set(prefixes.map((prefix) => stageByPrefix(stages, prefix)))];
  const uses = await stagesInUse(places);
  for (const { stage, key } of chosen) {
    if (uses.some((use) => use.key === key))
      throw new CygstrapError('usage', `${stage} ${key} is in use`, { hint: 'wait for the runs that use it' });
    const above = stages.find((each) => each.stage === 'snapshot' && each.install === key && !chosen.includes(each));
    if (above !== undefined)
      throw new CygstrapError('usage', `snapshot ${above.key} stands on install ${key}`, { hint: 'remove that too' });
  }
  // What stands on others goes first.
  for (const manifest of chosen.sort((a, b) => STAGES.indexOf(b.stage) - STAGES.indexOf(a.stage)))
    await removeStage(places, manifest, signal);
  return chosen;
}

async function removeStage(places: VmPlaces, { stage, key }: Manifest, signal: AbortSignal | undefined): Promise<void> {
  await withStageLock(places, { stage, key }, { signal }, async () => {
    const path = stagePath(places, stage, key);
    const aside = join(places.root, stage, `.${key}.${randomBytes(4).toString('hex')}`);
    await replaceFile(path, aside);
    // Who began to use it in this moment keeps it.
    if ((await stagesInUse(places)).some((use) => use.key === key)) {
      await replaceFile(aside, path);
      throw new CygstrapError('usage', `${stage} ${key} is in use`);
    }
    await rm(aside, { recursive: true, force: true });
    const logs = logPaths(places, stage, key);
    await Promise.all(
      [...Object.values(logs), intactPath(places, stage, key)].map((each) => rm(each, { force: true })),
    );
  });
}

export interface Collected {
  /** Directories that killed processes left. */
  readonly leftovers: readonly string[];
  readonly stages: readonly Manifest[];
  /** Images and saved controllers that nobody wanted for long. */
  readonly images: readonly string[];
}

export interface CollectRequest {
  /** Stages made longer ago go too. */
  readonly olderThanMs?: number | undefined;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

/** How long what is made again at need is kept unused. */
const UNUSED_MS = 30 * 24 * 60 * 60_000;

/** Removes what interrupted work left, and stages that were made longer ago than `olderThanMs`, when that is given; nothing that is in
 *  use, and no installed disk that a snapshot stands on. Images and saved controllers in the user's cache go that were not used for that
 *  time, or for 30 days. Throws `io`. */
export async function collectStages(
  { olderThanMs, nowMs }: CollectRequest,
  context: RemovalContext,
): Promise<Collected> {
  const places = placesOfVm(context);
  const { signal } = context;
  const leftovers = await listLeftovers(places);
  for (const path of leftovers) await removeLeftover(places, path);
  const stages: Manifest[] = [];
  if (olderThanMs !== undefined) {
    const uses = await stagesInUse(places);
    for (const stage of STAGES.toReversed()) {
      for (const manifest of await publishedStages(places, [stage])) {
        const { mtimeMs } = await stat(stagePath(places, stage, manifest.key));
        const isBelow =
          stage === 'install' &&
          (await publishedStages(places, ['snapshot'])).some(
            (each) => each.stage === 'snapshot' && each.install === manifest.key,
          );
        if (nowMs - mtimeMs < olderThanMs || isBelow || uses.some(({ key }) => key === manifest.key)) continue;
        await removeStage(places, manifest, signal);
        stages.push(manifest);
      }
    }
  }
  return {
    leftovers,
    stages,
    images: await removeUnused(userCacheDirectory(context.environment), { unusedMs: olderThanMs ?? UNUSED_MS, nowMs }),
  };
}
