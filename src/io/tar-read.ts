import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract } from 'tar-stream';
import type { Header } from 'tar-stream';

/** A member of a tar that is being read. Read its bytes to their end before the next member, or not at all. */
export interface TarMember {
  /** As in the tar; not validated. Invalid UTF-8 is U+FFFD. */
  readonly name: string;
  readonly type: TarMemberType;
  readonly sizeBytes: number;
  /** Target of a link; undefined for other types. */
  readonly target: string | undefined;
  /** Throws `TarFault`, and errors of the source. */
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** `link` is a second name of an earlier member. */
export type TarMemberType =
  'file' | 'directory' | 'symlink' | 'link' | 'fifo' | 'block-device' | 'character-device' | 'unknown';

/** Thrown for bytes that are not a complete tar. */
export class TarFault extends Error {
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.name = 'TarFault';
  }
}

/** Reads a tar: yields its members in their order, and skips the bytes that the caller does not read. No bytes at all
 *  are a tar without members. Stopping early closes the source. Throws `TarFault`, and errors of the source. */
export async function* readTar(source: AsyncIterable<Uint8Array>): AsyncGenerator<TarMember, void, undefined> {
  const tar = extract();
  let failure: { readonly error: unknown } | undefined;
  async function* observed(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* source;
    } catch (error) {
      failure = { error };
      throw error;
    }
  }
  const reading = pipeline(Readable.from(observed(), { objectMode: false }), tar).catch(() => {});
  const causeOf = (error: unknown): unknown => (failure === undefined ? new TarFault(error) : failure.error);
  async function* bytesOf(entry: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* entry;
    } catch (error) {
      throw causeOf(error);
    }
  }
  try {
    for await (const entry of tar) {
      const { name, size, linkname } = entry.header;
      yield {
        name,
        type: typeOf(entry.header),
        sizeBytes: size,
        target: linkname || undefined,
        chunks: bytesOf(entry as AsyncIterable<Uint8Array>),
      };
      entry.resume();
    }
  } catch (error) {
    throw causeOf(error);
  } finally {
    tar.destroy();
    await reading;
  }
}

/** Returns the type of a member; tar-stream has null for a type that it does not know. */
function typeOf({ type }: { readonly type: Header['type'] | null }): TarMemberType {
  return type === 'contiguous-file' ? 'file' : (type ?? 'unknown');
}
