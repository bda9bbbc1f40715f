import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writeFileAtomically } from '../io/atomic-file.ts';
import { intactPath } from './layout.ts';
import type { VmPlaces } from './layout.ts';
import type { StageUse } from './workshop.ts';

/** Identities of the files of a stage, by name, from when their bytes were read and compared. */
export type Intact = Readonly<Record<string, string>>;

/** What is known of the files of a stage from before; nothing, where nobody wrote it down. */
export async function readIntact(places: VmPlaces, { stage, key }: StageUse): Promise<Intact> {
  try {
    return JSON.parse(await readFile(intactPath(places, stage, key), 'utf8')) as Intact;
  } catch {
    return {};
  }
}

/** Writes down that the files of a stage are intact, so that they need not be read again until somebody touches them. */
export async function noteIntact(places: VmPlaces, { stage, key }: StageUse, intact: Intact): Promise<void> {
  const path = intactPath(places, stage, key);
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFileAtomically(path, JSON.stringify(intact));
  } catch {
    // Stages that only others may write are of use as well: they are read each time.
  }
}
