import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { CygstrapError } from '../../errors.ts';
import { TarFault, readTar } from '../../io/tar-read.ts';
import type { TarMember } from '../../io/tar-read.ts';
import { LOCK_MEMBER, MANIFEST_NAME, parseManifest } from './format.ts';
import type { ListedMember } from './format.ts';

/** A member of a bundle that is being read. Read it to its end, or not at all, before the next one. */
export interface IncomingMember {
  /** As in the tar; not validated. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** The members before the archives, compared with the manifest. */
export interface BundleHead {
  readonly lock: Uint8Array;
  /** Name without its prefix, such as `setup.ini`; undefined without an index. */
  readonly index:
    { readonly name: string; readonly bytes: Uint8Array; readonly signature: Uint8Array | undefined } | undefined;
}

/** Limits for the members that are held in memory; no real manifest, lock or index is as large. */
const MAX_MANIFEST_BYTES = 1 << 20;
const MAX_HEAD_BYTES = 256 << 20;

/** Reads a bundle: passes the members before the archives to `onHead`, then each archive to `onArchive`, in the order
 *  of the tar. Throws `not-found`, `io`, `corrupt` for a file that is not a bundle or is truncated and for members that
 *  are not regular files, `verify` for a head that differs from its manifest, and errors of the callbacks. */
export async function readBundle(
  path: string,
  {
    onHead,
    onArchive,
  }: {
    readonly onHead: (head: BundleHead) => Promise<void>;
    readonly onArchive: (member: IncomingMember) => Promise<void>;
  },
): Promise<void> {
  const file = createReadStream(path, { highWaterMark: 1 << 20 });
  let failure: Error | undefined;
  file.once('error', (error) => (failure = error));
  try {
    const head = new Head(path);
    for await (const entry of readTar(file)) {
      const member = memberOf(path, entry);
      if (head.isComplete) await onArchive(member);
      else if (await head.add(member)) await onHead(head.value());
    }
    if (!head.isComplete) throw broken(path, 'it ends before the archives');
  } catch (error) {
    if (failure !== undefined) throw cannotRead(path, failure);
    if (!(error instanceof TarFault)) throw error;
    throw new CygstrapError('corrupt', `\`${path}\` is not a complete tar file`, { cause: error, hint: COPY_HINT });
  } finally {
    file.destroy();
  }
}

function memberOf(path: string, { name, type, sizeBytes, chunks }: TarMember): IncomingMember {
  if (type !== 'file') throw broken(path, `\`${name}\` is a ${type}; only regular files are allowed`);
  return { name, sizeBytes, chunks };
}

/** Collects the members before the archives. */
class Head {
  readonly #path: string;
  readonly #found = new Map<string, Uint8Array>();
  #listed: readonly ListedMember[] | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  get isComplete(): boolean {
    return this.#listed?.length === this.#found.size;
  }

  /** Reads the next member; returns whether the head is complete. */
  async add({ name, sizeBytes, chunks }: IncomingMember): Promise<boolean> {
    if (this.#listed === undefined) {
      if (name !== MANIFEST_NAME || sizeBytes > MAX_MANIFEST_BYTES)
        throw broken(this.#path, `it does not start with \`${MANIFEST_NAME}\``);
      this.#listed = this.#checked(parseManifest(new TextDecoder().decode(await readAll(chunks)), this.#path).members);
      return false;
    }
    const listed = this.#listed[this.#found.size];
    if (listed?.name !== name || listed.size !== sizeBytes)
      throw broken(
        this.#path,
        `found \`${name}\` of ${sizeBytes} bytes, but the manifest lists ` +
          (listed === undefined ? 'nothing' : `\`${listed.name}\` of ${listed.size} bytes`),
      );
    const bytes = await readAll(chunks);
    const hex = createHash('sha512').update(bytes).digest('hex');
    if (hex !== listed.sha512)
      throw new CygstrapError(
        'verify',
        `\`${this.#path}\` is damaged: the sha512 of \`${name}\` is \`${hex}\` instead of \`${listed.sha512}\``,
        { hint: COPY_HINT },
      );
    this.#found.set(name, bytes);
    return this.isComplete;
  }

  /** Checks the order and number of members: lock, index, signature. */
  #checked(members: readonly ListedMember[]): readonly ListedMember[] {
    const [lock, index, signature, ...rest] = members.map(({ name }) => name);
    const isIndexed = index === undefined || !index.endsWith('.sig');
    const isOrdered =
      lock === LOCK_MEMBER &&
      index !== LOCK_MEMBER &&
      isIndexed &&
      (signature === undefined || signature === `${index}.sig`) &&
      rest.length === 0;
    if (!isOrdered)
      throw broken(this.#path, 'its manifest must list a lock, and optionally an index and its signature');
    if (members.reduce((sum, { size }) => sum + size, 0) > MAX_HEAD_BYTES)
      throw broken(this.#path, `its lock and index have more than ${MAX_HEAD_BYTES} bytes`);
    return members;
  }

  value(): BundleHead {
    const [[, lock] = [], index, signature] = [...this.#found];
    if (lock === undefined) throw broken(this.#path, 'it has no lock');
    return {
      lock,
      index:
        index === undefined
          ? undefined
          : { name: index[0].slice(index[0].indexOf('/') + 1), bytes: index[1], signature: signature?.[1] },
    };
  }
}

async function readAll(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

/** What to do about a damaged bundle. */
export const COPY_HINT = 'copy it again, or write it again with `cygstrap bundle`';

function cannotRead(path: string, cause: Error): CygstrapError {
  return 'code' in cause && cause.code === 'ENOENT'
    ? new CygstrapError('not-found', `bundle not found: \`${path}\``, { cause })
    : new CygstrapError('io', `cannot read \`${path}\``, { cause });
}

function broken(path: string, reason: string): CygstrapError {
  return new CygstrapError('corrupt', `\`${path}\` is not a bundle of this version of cygstrap: ${reason}`, {
    hint: COPY_HINT,
    details: { file: path },
  });
}
