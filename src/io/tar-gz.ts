import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';

/** A file of an archive. */
export interface ArchiveFile {
  /** Path in the archive, with `/`. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Packs files into a tar compressed with gzip, sorted by name, with a fixed time and owner: the same files give the
 *  same bytes. Holds all of it in memory. */
export async function packTarGz(files: readonly ArchiveFile[]): Promise<Buffer> {
  const tar = pack();
  for (const { name, bytes } of files.toSorted((a, b) => (a.name < b.name ? -1 : 1)))
    tar.entry({ name, mtime: new Date(0), mode: 0o644, uid: 0, gid: 0, type: 'file' }, Buffer.from(bytes));
  tar.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of tar) chunks.push(chunk as Uint8Array);
  return gzipSync(Buffer.concat(chunks));
}
