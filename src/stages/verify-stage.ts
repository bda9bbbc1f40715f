import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256OfFile } from '../io/file-digest.ts';
import { identityOf } from '../io/file-identity.ts';
import { VmError } from '../vm/base/vm-error.ts';
import { readIdentities, writeIdentities } from './integrity-cache.ts';
import { stagePath } from './layout.ts';
import type { VmPlaces } from './layout.ts';
import { byFileName } from './manifest.ts';
import type { FileStamp, SnapshotManifest } from './manifest.ts';
import { findStage } from './stage-store.ts';
import type { StageUse } from './stage-store.ts';

/** Verifies the files of a snapshot and of the installed disk below it. Files that are unchanged since their last
 *  comparison are not read again, unless `everyByte` is set: a disk can lose data that no program wrote. `directory`
 *  has the files of a snapshot that is not published yet. Throws VmError for a missing or changed file, and `io` for a
 *  damaged manifest. */
export async function verifySnapshot(
  places: VmPlaces,
  manifest: SnapshotManifest,
  options: { readonly directory?: string | undefined; readonly everyByte: boolean },
): Promise<void> {
  const { key, install } = manifest;
  const { directory = stagePath(places, 'snapshot', key), everyByte } = options;
  const files = { directory, stamps: byFileName<FileStamp>(manifest), everyByte };
  const change = await findChange(places, { stage: 'snapshot', key }, files);
  if (change !== undefined)
    throw new VmError(`the snapshot was modified: ${change}`, {
      hint: `remove it with \`cygstrap vm rm ${key}\` and make it again`,
    });
  await verifyInstalled(places, install, everyByte);
}

/** Verifies an installed disk, as {@link verifySnapshot} does. */
export async function verifyInstalled(places: VmPlaces, key: string, everyByte: boolean): Promise<void> {
  const manifest = await findStage(places, { stage: 'install', key });
  if (manifest === undefined)
    throw new VmError(`the installed disk ${key} is missing`, {
      hint: 'make it again with `cygstrap vm install` or `cygstrap build`',
    });
  const change = await findChange(
    places,
    { stage: 'install', key },
    { directory: stagePath(places, 'install', key), stamps: byFileName<FileStamp>(manifest), everyByte },
  );
  if (change !== undefined)
    throw new VmError(`the installed disk was modified: ${change}`, {
      hint: `remove it and its snapshots with \`cygstrap vm rm\` and make it again; its key is ${key}`,
    });
}

interface StageFiles {
  readonly directory: string;
  /** By file name. */
  readonly stamps: Readonly<Record<string, FileStamp>>;
  readonly everyByte: boolean;
}

/** Returns a description of the first changed file, or undefined. Records the identities of the files that were read.
 */
async function findChange(
  places: VmPlaces,
  use: StageUse,
  { directory, stamps, everyByte }: StageFiles,
): Promise<string | undefined> {
  const known = everyByte ? {} : await readIdentities(places, use);
  const checks = await Promise.all(
    Object.entries(stamps).map(
      async ([name, stamp]) =>
        [name, await checkFile(join(directory, name), stamp, { known: known[name], digest: sha256OfFile })] as const,
    ),
  );
  for (const [, check] of checks) if (check.kind === 'changed') return check.text;
  const verified = Object.fromEntries(
    checks.flatMap(([name, check]) => (check.kind === 'verified' ? [[name, check.identity]] : [])),
  );
  if (!everyByte && checks.some(([name]) => verified[name] !== known[name]))
    await writeIdentities(places, use, verified);
  return undefined;
}

/** Result of {@link checkFile}. */
export type FileCheck =
  { readonly kind: 'verified'; readonly identity: string } | { readonly kind: 'changed'; readonly text: string };

export interface FileCheckOptions {
  /** Identity of the file when it was last verified. With another identity, or undefined, the file is read by `digest`.
   */
  readonly known: string | undefined;
  readonly digest: (path: string) => Promise<string>;
}

/** Compares a file with its stamp. Throws errors of the system, except for a missing file. */
export async function checkFile(
  path: string,
  stamp: FileStamp,
  { known, digest }: FileCheckOptions,
): Promise<FileCheck> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return { kind: 'changed', text: `\`${path}\` is missing` };
  if (found.size !== stamp.sizeBytes)
    return { kind: 'changed', text: `\`${path}\` has ${found.size} bytes instead of ${stamp.sizeBytes}` };
  const identity = await identityOf(path);
  if (identity === known || (await digest(path)) === stamp.sha256) return { kind: 'verified', identity };
  return { kind: 'changed', text: `\`${path}\` is damaged: sha256 mismatch` };
}
