import type { Extent, ImageFile } from './image-file.ts';

/** Where the content of a file or directory is. */
export interface Content {
  readonly sizeBytes: number;
  readonly extents: readonly Extent[];
}

/** A file or directory of a volume. Its methods throw `damaged`. */
export interface VolumeEntry {
  readonly name: string;
  readonly isDirectory: boolean;
  readonly content: () => Promise<Content>;
  /** Lists a directory. */
  readonly list: () => Promise<readonly VolumeEntry[]>;
}

/** One file system of an image. */
export interface Volume {
  /** For users: `UDF 1.02`, `ISO 9660`, `Joliet`. */
  readonly format: string;
  readonly label: string;
  readonly image: ImageFile;
  readonly root: VolumeEntry;
}

/** Finds a file or directory by its path with slashes, in any case of letters, as Windows does. Returns undefined if
 *  it does not exist. Throws `damaged`. */
export async function find({ root }: Volume, path: string): Promise<VolumeEntry | undefined> {
  let found: VolumeEntry | undefined = root;
  for (const part of path.split('/')) {
    if (found?.isDirectory !== true) return undefined;
    found = (await found.list()).find(({ name }) => name.toLowerCase() === part.toLowerCase());
  }
  return found;
}
