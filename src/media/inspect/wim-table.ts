import { damaged } from './image-file.ts';
import { METADATA, readResource, RESOURCE_BYTES, ResourceReader } from './wim-resource.ts';
import type { ReadFile, WimResource } from './wim-resource.ts';
import type { WimHeader } from './wim.ts';

// Source of the offsets: Windows Imaging (WIM) file format, Microsoft 2007.

/** Size of an entry: a resource, the number of its part, the number of its references, and a SHA-1. */
const ENTRY_BYTES = 50;
/** Entries that are read at once. */
const BLOCK = 640;
/** Bound of the images of a WIM; `boot.wim` has 2. */
const MOST_IMAGES = 16;

/** Finds the metadata of each image of a WIM in its table of resources: image n has the n-th entry of metadata that is
 *  referenced. Reads the last block of the table, then from the first one on, until it has as many as images. Throws
 *  `damaged`. */
export async function metadataOf(read: ReadFile, { images, table, compression }: WimHeader): Promise<WimResource[]> {
  if (images === 0 || images > MOST_IMAGES) throw damaged(`a WIM has ${images} images`);
  const reader = new ResourceReader(read, table, compression);
  const entries = Math.floor(reader.sizeBytes / ENTRY_BYTES);
  const blocks = Math.ceil(entries / BLOCK);
  const found: (readonly [entry: number, resource: WimResource])[] = [];
  for (let i = 0; i < blocks && found.length < images; i++) {
    const first = ((i + blocks - 1) % blocks) * BLOCK;
    const count = Math.min(BLOCK, entries - first);
    const bytes = await reader.bytes(first * ENTRY_BYTES, count * ENTRY_BYTES);
    for (let at = 0; at < bytes.length; at += ENTRY_BYTES) {
      const resource = readResource(bytes, at);
      const references = bytes.readUInt32LE(at + RESOURCE_BYTES + 2);
      if ((resource.flags & METADATA) !== 0 && references > 0) found.push([first + at / ENTRY_BYTES, resource]);
    }
  }
  if (found.length !== images) throw damaged(`a WIM has ${images} images, but metadata of ${found.length}`);
  return found.toSorted(([a], [b]) => a - b).map(([, resource]) => resource);
}
