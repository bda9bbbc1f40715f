import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { hasCode } from '../../io/system-error.ts';
import { MediaError } from '../base/media-error.ts';

/** Bound of the bytes read from one image: about 1 MiB is needed. */
const MOST_READ_BYTES = 16 << 20;

/** A part of an image; `startByte` is undefined for a part that is not recorded and reads as zeros. */
export interface Extent {
  readonly startByte: number | undefined;
  readonly sizeBytes: number;
}

/** An open image. Reads single structures, never the whole, and no more than 16 MiB in total. */
export class ImageFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly #handle: FileHandle;
  #readBytes = 0;

  private constructor(path: string, handle: FileHandle, sizeBytes: number) {
    this.path = path;
    this.#handle = handle;
    this.sizeBytes = sizeBytes;
  }

  /** Opens a regular file or a block device. Throws `io`, and `not-found` for a missing file. */
  static async open(path: string): Promise<ImageFile> {
    try {
      const handle = await open(path, 'r');
      try {
        const status = await handle.stat();
        if (!status.isFile()) throw new MediaError('damaged', `\`${path}\` is not a file`);
        return new ImageFile(path, handle, status.size);
      } catch (error) {
        await handle.close();
        throw error;
      }
    } catch (cause) {
      if (cause instanceof MediaError) throw cause;
      const why = hasCode(cause, 'ENOENT') ? 'no such file' : 'cannot read';
      throw new MediaError('io', `${why}: \`${path}\``, { cause });
    }
  }

  /** Bytes read so far. */
  get readBytes(): number {
    return this.#readBytes;
  }

  /** Throws `damaged` if the image has fewer bytes than its descriptors say, as after a broken download. */
  requireSize(endByte: number): void {
    if (this.sizeBytes >= endByte) return;
    throw new MediaError('damaged', `\`${this.path}\` is cut short: it has ${this.sizeBytes} of ${endByte} bytes`, {
      hint: 'download it again',
      details: { sizeBytes: this.sizeBytes, expectedBytes: endByte },
    });
  }

  /** Reads a part. Throws `damaged` if the image ends before it. */
  async bytes(startByte: number, sizeBytes: number): Promise<Buffer> {
    if (startByte + sizeBytes > this.sizeBytes)
      throw damaged(`it has ${this.sizeBytes} bytes, but refers to byte ${startByte + sizeBytes}`);
    this.#readBytes += sizeBytes;
    if (this.#readBytes > MOST_READ_BYTES) throw damaged('its directories exceed the limit');
    const buffer = Buffer.alloc(sizeBytes);
    try {
      const { bytesRead } = await this.#handle.read(buffer, 0, sizeBytes, startByte);
      if (bytesRead === sizeBytes) return buffer;
    } catch (cause) {
      throw new MediaError('io', `cannot read \`${this.path}\``, { cause });
    }
    throw damaged('it became shorter while it was read');
  }

  /** Reads a part of a file from its extents. Throws `damaged` if the file or the image ends before it. */
  async bytesOf(extents: readonly Extent[], offset: number, sizeBytes: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    let skip = offset;
    let left = sizeBytes;
    for (const extent of extents) {
      if (left === 0) break;
      if (skip >= extent.sizeBytes) {
        skip -= extent.sizeBytes;
        continue;
      }
      const count = Math.min(left, extent.sizeBytes - skip);
      if (extent.startByte === undefined && count > MOST_READ_BYTES) throw damaged('it has an empty file');
      parts.push(
        extent.startByte === undefined ? Buffer.alloc(count) : await this.bytes(extent.startByte + skip, count),
      );
      skip = 0;
      left -= count;
    }
    if (left > 0) throw damaged('a file ends too early');
    return Buffer.concat(parts);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** The error for an image whose structures contradict each other. */
export function damaged(why: string): MediaError {
  return new MediaError('damaged', `the image is damaged: ${why}`, {
    hint: 'download it again, and compare its SHA-256 with that of the publisher',
  });
}
