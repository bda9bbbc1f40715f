import { join } from 'node:path';
import { VmError } from '../vm/vm-error.ts';
import { digestOf } from './context.ts';
import { STAGE_FILES, stagePath } from './layout.ts';
import type { VmPlaces } from './layout.ts';
import { changeOf } from './manifest.ts';
import type { FileStamp, SnapshotManifest } from './manifest.ts';
import { findStage } from './workshop.ts';

/** Throws VmError when a file of a snapshot, or the disk below it, is not as it was published. Who asks for `everyByte` does not trust
 *  sizes and times. */
export async function requireUnchanged(places: VmPlaces, { key, install, disk, state, ram }: SnapshotManifest, options: { readonly directory: string; readonly everyByte: boolean }): Promise<void> {
  const stamps = { [STAGE_FILES.disk]: disk, [STAGE_FILES.state]: state, ...(ram !== null && { [STAGE_FILES.ram]: ram }) };
  const changes = Object.entries(stamps).map(async ([name, stamp]) => change(join(options.directory, name), stamp, options.everyByte));
  const [changed] = (await Promise.all(changes)).filter((each) => each !== undefined);
  if (changed !== undefined) throw new VmError(`the snapshot is not what it was: ${changed}`, { hint: `remove it with \`cygstrap vm rm ${key}\`, and it is made anew` });
  await requireInstalled(places, install, options.everyByte);
}

/** The same for an installed disk. */
export async function requireInstalled(places: VmPlaces, key: string, everyByte: boolean): Promise<void> {
  const manifest = await findStage(places, { stage: 'install', key });
  if (manifest === undefined) throw new VmError(`the installed disk ${key} is gone`, { hint: 'make it anew with `cygstrap vm install` or `cygstrap build`' });
  const changed = await change(join(stagePath(places, 'install', key), STAGE_FILES.disk), manifest.disk, everyByte);
  if (changed !== undefined) throw new VmError(`the installed disk is not what it was: ${changed}`, { hint: `remove it with \`cygstrap vm rm ${key}\` and what stands on it, and it is made anew` });
}

async function change(path: string, stamp: FileStamp, everyByte: boolean): Promise<string | undefined> {
  return changeOf(path, everyByte ? { ...stamp, mtimeMs: -1 } : stamp, digestOf);
}
