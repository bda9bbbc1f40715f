import { MediaError } from '../base/media-error.ts';
import type { Volume, VolumeEntry } from './volume.ts';
import { findFiles } from './wim-files.ts';
import { ResourceReader } from './wim-resource.ts';
import { metadataOf } from './wim-table.ts';
import { readWimHeader, WIM_HEADER_BYTES } from './wim.ts';
import type { UncheckedFile } from './windows.ts';

/** The images that Setup runs in. */
export const BOOT_WIM = 'sources/boot.wim';

/** Where Setup looks for answer files in the system that it runs in, and a tool can have put one. Source: Microsoft's
 *  search order of answer files. */
const DIRECTORIES = ['', 'sources/', 'Windows/Panther/', 'Windows/Panther/Unattend/', 'Windows/System32/Sysprep/'];
const PATHS = DIRECTORIES.flatMap((directory) => [`${directory}autounattend.xml`, `${directory}unattend.xml`]);

/** Answer files in `boot.wim`. */
export interface BootAnswers {
  /** As in `autounattend.xml in image 2 of sources/boot.wim`. */
  readonly answerFiles: readonly string[];
  /** `boot.wim`, if its files cannot be read. */
  readonly unchecked: readonly UncheckedFile[];
}

/** Looks for answer files in all images of `boot.wim`: reads the list of its resources and single directories. Throws
 *  `io`; anything that is damaged or unknown there is a part of the answer. */
export async function bootAnswersOf({ image }: Volume, boot: VolumeEntry): Promise<BootAnswers> {
  const answerFiles: string[] = [];
  try {
    const { extents } = await boot.content();
    const read = (startByte: number, sizeBytes: number): Promise<Buffer> =>
      image.bytesOf(extents, startByte, sizeBytes);
    const header = readWimHeader(await read(0, WIM_HEADER_BYTES), BOOT_WIM);
    for (const [i, metadata] of (await metadataOf(read, header)).entries()) {
      const found = await findFiles(new ResourceReader(read, metadata, header.compression), PATHS);
      answerFiles.push(...found.map((path) => `${path} in image ${i + 1} of ${BOOT_WIM}`));
    }
  } catch (error) {
    if (!(error instanceof MediaError) || error.code === 'io') throw error;
    return { answerFiles, unchecked: [{ path: BOOT_WIM, reason: error.message }] };
  }
  return { answerFiles, unchecked: [] };
}
