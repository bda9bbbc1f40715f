import { join } from 'node:path';
import { sha256OfFile } from '../io/file-digest.ts';
import { VmError } from '../vm/vm-error.ts';
import { noteIntact, readIntact } from './intact.ts';
import { STAGE_FILES, stagePath } from './layout.ts';
import type { VmPlaces } from './layout.ts';
import { lookAt } from './manifest.ts';
import type { FileStamp, SnapshotManifest } from './manifest.ts';
import { findStage } from './workshop.ts';
import type { StageUse } from './workshop.ts';

/** Throws VmError when a file of a snapshot, or the disk below it, is not as it was published. Files that nobody touched since they were
 *  last compared are not read again, unless `everyByte` is wanted: a disk may have lost what nobody wrote to. */
export async function requireUnchanged(
  places: VmPlaces,
  { key, install, disk, state, ram }: SnapshotManifest,
  options: { readonly directory?: string | undefined; readonly everyByte: boolean },
): Promise<void> {
  const { directory = stagePath(places, 'snapshot', key), everyByte } = options;
  const stamps = {
    [STAGE_FILES.disk]: disk,
    [STAGE_FILES.state]: state,
    ...(ram !== null && { [STAGE_FILES.ram]: ram }),
  };
  const changed = await changeIn(places, { stage: 'snapshot', key }, { directory, stamps, everyByte });
  if (changed !== undefined)
    throw new VmError(`the snapshot is not what it was: ${changed}`, {
      hint: `remove it with \`cygstrap vm rm ${key}\`, and it is made anew`,
    });
  await requireInstalled(places, install, everyByte);
}

/** The same for an installed disk. */
export async function requireInstalled(places: VmPlaces, key: string, everyByte: boolean): Promise<void> {
  const manifest = await findStage(places, { stage: 'install', key });
  if (manifest === undefined)
    throw new VmError(`the installed disk ${key} is gone`, {
      hint: 'make it anew with `cygstrap vm install` or `cygstrap build`',
    });
  const changed = await changeIn(
    places,
    { stage: 'install', key },
    { directory: stagePath(places, 'install', key), stamps: { [STAGE_FILES.disk]: manifest.disk }, everyByte },
  );
  if (changed !== undefined)
    throw new VmError(`the installed disk is not what it was: ${changed}`, {
      hint: `remove it with \`cygstrap vm rm ${key}\` and what stands on it, and it is made anew`,
    });
}

interface StageFiles {
  readonly directory: string;
  /** By name. */
  readonly stamps: Readonly<Record<string, FileStamp>>;
  readonly everyByte: boolean;
}

/** Tells of the first file that is not as it was published; notes what had to be read and is intact. */
async function changeIn(
  places: VmPlaces,
  use: StageUse,
  { directory, stamps, everyByte }: StageFiles,
): Promise<string | undefined> {
  const known = everyByte ? {} : await readIntact(places, use);
  const looks = await Promise.all(
    Object.entries(stamps).map(
      async ([name, stamp]) =>
        [name, await lookAt(join(directory, name), stamp, { known: known[name], digest: sha256OfFile })] as const,
    ),
  );
  for (const [, look] of looks) if (look.kind === 'changed') return look.text;
  const intact = Object.fromEntries(
    looks.flatMap(([name, look]) => (look.kind === 'intact' ? [[name, look.identity]] : [])),
  );
  if (!everyByte && looks.some(([name]) => intact[name] !== known[name])) await noteIntact(places, use, intact);
  return undefined;
}
