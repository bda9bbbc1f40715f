import { gzipSync } from 'node:zlib';
import { packTar } from 'modern-tar';

/** A file of an archive. */
export interface ArchiveFile {
  /** Path in the archive, with `/`. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Packs files into a tar compressed with gzip, sorted by name, with a fixed time and owner: the same files give the
 *  same bytes. Holds all of it in memory. */
export async function packTarGz(files: readonly ArchiveFile[]): Promise<Buffer> {
  const members = files
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, bytes }) => ({
      header: { name, size: bytes.length, mtime: new Date(0), mode: 0o644, uid: 0, gid: 0 },
      body: bytes,
    }));
  return gzipSync(await packTar(members));
}
