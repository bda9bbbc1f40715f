import { MediaError } from '../base/media-error.ts';
import type { ImageFile } from './image-file.ts';

/** First bytes of files that are taken for images, and what they are. */
const MAGICS: readonly (readonly [magic: string, what: string, hint: string])[] = [
  ['PK\x03\x04', 'a zip archive', 'unpack it first'],
  ['7z\xbc\xaf', 'a 7z archive', 'unpack it first'],
  ['Rar!', 'a rar archive', 'unpack it first'],
  ['\x1f\x8b', 'a gzip file', 'unpack it first'],
  ['\xfd7zXZ', 'an xz file', 'unpack it first'],
  ['MSWIM', 'a WIM or ESD file', 'use the ISO image that it comes on'],
  ['QFI\xfb', 'a qcow2 disk', 'use an ISO image'],
  ['MZ', 'a program', 'use an image of a disc, which the publisher offers beside the program'],
];

const WEB_PAGE = /^(?:\u00ef\u00bb\u00bf)?\s*<(?:!doctype|html|head|script)/i;

/** Refuses a file that begins as something else than an image of a disc. Throws `unsupported` with what it is. */
export async function refuseOthers(image: ImageFile): Promise<void> {
  const start = (await image.bytes(0, Math.min(512, image.sizeBytes))).toString('latin1');
  if (start === '') throw unsupported(image.path, 'an empty file', 'download it again');
  if (WEB_PAGE.test(start))
    throw unsupported(image.path, 'a web page', 'download the image again, with a browser or from another address');
  const [, what, hint] = MAGICS.find(([magic]) => start.startsWith(magic)) ?? [];
  if (what !== undefined && hint !== undefined) throw unsupported(image.path, what, hint);
}

/** The error for a file that is not a Windows installation medium. */
export function unsupported(path: string, what: string, hint: string): MediaError {
  return new MediaError('unsupported', `\`${path}\` is ${what}`, { hint, details: { found: what } });
}
