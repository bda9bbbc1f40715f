import type { Computer, SetupMedium } from './answers/passes.ts';
import { parseAnswerFile } from './answers/tree.ts';
import type { AnswerFile } from './answers/tree.ts';

export { checkOfflineServicing, planOobe, planSpecialize, planWindowsPe } from './answers/passes.ts';
export type { Computer, SetupMedium } from './answers/passes.ts';
export type { DiskPlan } from './answers/disk.ts';
export { SetupStops } from './answers/stops.ts';
export { parseAnswerFile } from './answers/tree.ts';
export type { AnswerFile } from './answers/tree.ts';

/** A drive with a medium in it. */
export interface Drive {
  readonly letter: string;
  readonly type: 'floppy' | 'disk' | 'cdrom';
  /** Whether Setup was started from it. */
  readonly isSetup: boolean;
  /** Names in the root, and below it with slashes. */
  readonly files: readonly string[];
}

/** Where an answer file is. */
export interface Place {
  readonly drive: Drive;
  readonly file: string;
}

const NAME = 'autounattend.xml';

/** Returns where Setup looks for `autounattend.xml`, in order: removable media that can be written, by letter; then
 *  those that cannot; then `sources` of its own medium. Setup of 2022 and later has no floppy when UEFI started it. */
export function answerFilePlaces(
  drives: readonly Drive[],
  { kind }: SetupMedium,
  { firmware }: Pick<Computer, 'firmware'>,
): Place[] {
  const hasFloppy = firmware === 'bios' || !['windows-11', 'windows-2022', 'windows-2025'].includes(kind);
  const byLetter = drives.toSorted((a, b) => (a.letter < b.letter ? -1 : 1));
  const writable = byLetter.filter(({ type }) => type === 'disk' || (type === 'floppy' && hasFloppy));
  const readOnly = byLetter.filter(({ type }) => type === 'cdrom');
  const inRoot = [...writable, ...readOnly].flatMap((drive) => placesOf(drive, NAME));
  const inSources = drives.filter(({ isSetup }) => isSetup).flatMap((drive) => placesOf(drive, `sources/${NAME}`));
  return [...inRoot, ...inSources];
}

function placesOf(drive: Drive, path: string): Place[] {
  return drive.files.filter((file) => file.toLowerCase() === path).map((file) => ({ drive, file }));
}

/** Returns the first answer file that Setup does not ignore, and its place; undefined if there is none. Throws
 *  {@link SetupStops} if that file is not valid. */
export function findAnswerFile(
  places: readonly Place[],
  read: (place: Place) => Uint8Array,
): { place: Place; file: AnswerFile; bytes: Uint8Array } | undefined {
  for (const place of places) {
    const bytes = read(place);
    const file = parseAnswerFile(bytes);
    if (file !== undefined) return { place, file, bytes };
  }
  return undefined;
}
