import type { FileState } from './conditions.ts';

/** Bound of files that are read whole and sent together with the head. */
export const SMALL_BYTES = 128 * 1024;

/** Bound of all content that a server keeps. */
const KEPT_BYTES = 32 * 1024 * 1024;

/** A file that changed less than this time ago can change again at the same time of its status, on a file system with
 *  coarse times. */
const SETTLED_MS = 3000;

export interface SmallFile {
  readonly state: FileState;
  readonly content: Uint8Array;
}

/** The small files of a server that were read last. Opening, reading and closing a file takes more time than sending
 *  it. */
export class SmallFiles {
  readonly #files = new Map<string, SmallFile>();
  #bytes = 0;

  /** Returns a file if its entity tag is still the given one. */
  get(path: string, etag: string): SmallFile | undefined {
    const known = this.#files.get(path);
    return known?.state.etag === etag ? known : undefined;
  }

  /** Keeps a file that was read; drops the oldest ones. */
  keep(path: string, file: SmallFile, changedMs: number): void {
    if (Date.now() - changedMs < SETTLED_MS) return;
    this.#drop(path);
    this.#files.set(path, file);
    this.#bytes += file.content.length;
    for (const oldest of this.#files.keys()) {
      if (this.#bytes <= KEPT_BYTES) return;
      this.#drop(oldest);
    }
  }

  #drop(path: string): void {
    this.#bytes -= this.#files.get(path)?.content.length ?? 0;
    this.#files.delete(path);
  }
}
