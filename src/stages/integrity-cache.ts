import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseShaped, recordOf, text } from '../core/json/shape.ts';
import { writeFileAtomically } from '../io/atomic-file.ts';
import type { FinishedFile } from './context.ts';
import { identitiesPath } from './layout.ts';
import type { VmPlaces } from './layout.ts';
import { byFileName } from './manifest.ts';
import type { OfFiles } from './manifest.ts';
import type { StageUse } from './stage-store.ts';

/** Identities (`io/file-identity.ts`) of the files of a stage when their digests were last compared, by file name. */
export type FileIdentities = Readonly<Record<string, string>>;

const identities = recordOf(text);

/** Reads the recorded identities of the files of a stage. Returns none if the record is missing or damaged: the files
 *  are then read again. */
export async function readIdentities(places: VmPlaces, { stage, key }: StageUse): Promise<FileIdentities> {
  const file = identitiesPath(places, stage, key);
  try {
    return parseShaped(await readFile(file, 'utf8'), identities, { file, code: 'io', hint: '' });
  } catch {
    return {};
  }
}

/** Records the identities of the new files of a stage, which were just read. */
export async function writeNewIdentities(places: VmPlaces, use: StageUse, files: OfFiles<FinishedFile>): Promise<void> {
  const identities = Object.entries(byFileName(files)).map(([name, { identity }]) => [name, identity]);
  await writeIdentities(places, use, Object.fromEntries(identities) as FileIdentities);
}

/** Records the identities of the verified files of a stage, so that unchanged files are not read again. */
export async function writeIdentities(
  places: VmPlaces,
  { stage, key }: StageUse,
  identities: FileIdentities,
): Promise<void> {
  const path = identitiesPath(places, stage, key);
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFileAtomically(path, JSON.stringify(identities));
  } catch {
    // A directory of stages can be read-only for this user. Its files are then read each time.
  }
}
