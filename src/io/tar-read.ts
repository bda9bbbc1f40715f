import { createTarDecoder } from 'modern-tar';
import type { TarHeader } from 'modern-tar';

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

/** `link` is a second name of an earlier member. A type that the decoder does not know is a `file`, as POSIX wants. */
export type TarMemberType = NonNullable<TarHeader['type']>;

/** Thrown for bytes that are not a complete tar. */
export class TarFault extends Error {
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.name = 'TarFault';
  }
}

/** Reads a tar: yields its members in their order, and skips the bytes that the caller does not read. No bytes at all
 *  are a tar without members; every other one ends with two blocks of zeros. Stopping early closes the source. Throws
 *  `TarFault`, and errors of the source. */
export async function* readTar(source: AsyncIterable<Uint8Array>): AsyncGenerator<TarMember, void, undefined> {
  const { readable, writable } = createTarDecoder({ strict: true });
  let isEmpty = true;
  let failure: { readonly error: unknown } | undefined;
  async function decodeAll(): Promise<void> {
    const writer = writable.getWriter();
    try {
      for await (const chunk of source) {
        if (chunk.length > 0) isEmpty = false;
        try {
          await writer.write(chunk);
        } catch {
          // The reader has stopped, or receives the error.
          return;
        }
      }
      await writer.close().catch(() => {});
    } catch (error) {
      failure = { error };
      await writer.abort(error).catch(() => {});
    }
  }
  const causeOf = (error: unknown): unknown => (failure === undefined ? new TarFault(error) : failure.error);
  async function* bytesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* body;
    } catch (error) {
      throw causeOf(error);
    }
  }
  const decoding = decodeAll();
  try {
    for await (const { header, body } of readable) {
      const { name, type, size, linkname } = header;
      yield { name, type: type ?? 'file', sizeBytes: size, target: linkname || undefined, chunks: bytesOf(body) };
      await body.cancel();
    }
  } catch (error) {
    if (!isEmpty || failure !== undefined) throw causeOf(error);
  } finally {
    await decoding;
  }
}
