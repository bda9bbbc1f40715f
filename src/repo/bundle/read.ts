import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { extract } from 'tar-stream';
import type { Extract } from 'tar-stream';
import { CygstrapError } from '../../errors.ts';
import { LOCK_MEMBER, MANIFEST_NAME, parseManifest } from './format.ts';
import type { ListedMember } from './format.ts';

/** A member of a bundle as it comes by. To be read to its end, or not at all, before the next. */
export interface IncomingMember {
  /** As the tar says; from outside. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** What a bundle starts with, checked against its manifest. */
export interface BundleHead {
  readonly lock: Uint8Array;
  /** The name without its prefix: `setup.ini`; undefined without an index. */
  readonly index:
    { readonly name: string; readonly bytes: Uint8Array; readonly signature: Uint8Array | undefined } | undefined;
}

type Entry = Extract extends AsyncIterable<infer E> ? E : never;

/** Larger than any manifest, lock or index there is: these are held in memory. */
const MAX_MANIFEST_BYTES = 1 << 20;
const MAX_HEAD_BYTES = 256 << 20;

/** Opens a bundle: reads what stands before the archives, then hands the archives out one by one to `take`, in the order of the
 *  tar. `begin` is told the head first. Members that are no plain files are refused. Throws `not-found`, `io`, `corrupt` for
 *  what is no bundle or is cut short, `verify` for a head that differs from its manifest, and what the callbacks throw. */
export async function readBundle(
  path: string,
  {
    begin,
    take,
  }: { readonly begin: (head: BundleHead) => Promise<void>; readonly take: (member: IncomingMember) => Promise<void> },
): Promise<void> {
  const file = createReadStream(path, { highWaterMark: 1 << 20 });
  const tar = extract();
  const failures: { disk?: Error; tar?: Error } = {};
  file.once('error', (error) => (failures.disk = error));
  tar.once('error', (error) => (failures.tar = error));
  const reading = pipeline(file, tar).catch(() => {});
  try {
    const head = new Head(path);
    for await (const entry of tar) {
      const member = memberOf(path, entry);
      if (head.isComplete) await take(member);
      else if (await head.add(member)) await begin(head.value());
      // What was not read is passed over.
      entry.resume();
    }
    if (!head.isComplete) throw broken(path, 'it ends before its archives');
  } catch (error) {
    if (failures.disk !== undefined) throw cannotRead(path, failures.disk);
    if (failures.tar === undefined || error instanceof CygstrapError) throw error;
    throw new CygstrapError('corrupt', `\`${path}\` is no whole tar`, { cause: failures.tar, hint: 'copy it again' });
  } finally {
    tar.destroy();
    file.destroy();
    await reading;
  }
}

function memberOf(path: string, entry: Entry): IncomingMember {
  const { name, size, type } = entry.header;
  if (type !== 'file') throw broken(path, `\`${name}\` is a ${type}, and bundles hold plain files only`);
  return { name, sizeBytes: size, chunks: entry as AsyncIterable<Uint8Array> };
}

/** Gathers the members before the archives. */
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

  /** Takes the next member; true: the head is complete with it. */
  async add({ name, sizeBytes, chunks }: IncomingMember): Promise<boolean> {
    if (this.#listed === undefined) {
      if (name !== MANIFEST_NAME || sizeBytes > MAX_MANIFEST_BYTES)
        throw broken(this.#path, `it does not start with \`${MANIFEST_NAME}\``);
      this.#listed = this.#checked(parseManifest(new TextDecoder().decode(await gather(chunks)), this.#path).members);
      return false;
    }
    const listed = this.#listed[this.#found.size];
    if (listed?.name !== name || listed.size !== sizeBytes)
      throw broken(
        this.#path,
        `\`${name}\` stands where its manifest has ${listed === undefined ? 'nothing' : `\`${listed.name}\` of ${listed.size} bytes`}`,
      );
    const bytes = await gather(chunks);
    const hex = createHash('sha512').update(bytes).digest('hex');
    if (hex !== listed.sha512)
      throw new CygstrapError(
        'verify',
        `\`${this.#path}\` is damaged: the sha512 of \`${name}\` is \`${hex}\` instead of \`${listed.sha512}\``,
        { hint: 'copy it again' },
      );
    this.#found.set(name, bytes);
    return this.isComplete;
  }

  /** The order and number of members is fixed: lock, index, signature. */
  #checked(members: readonly ListedMember[]): readonly ListedMember[] {
    const [lock, index, signature, ...rest] = members.map(({ name }) => name);
    const isIndexed = index === undefined || !index.endsWith('.sig');
    const isOrdered =
      lock === LOCK_MEMBER &&
      index !== LOCK_MEMBER &&
      isIndexed &&
      (signature === undefined || signature === `${index}.sig`) &&
      rest.length === 0;
    if (!isOrdered) throw broken(this.#path, 'its manifest must list a lock, an index and perhaps a signature');
    if (members.reduce((sum, { size }) => sum + size, 0) > MAX_HEAD_BYTES)
      throw broken(this.#path, 'its lock and index are larger than any');
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

async function gather(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

function cannotRead(path: string, cause: Error): CygstrapError {
  return 'code' in cause && cause.code === 'ENOENT'
    ? new CygstrapError('not-found', `no such bundle: \`${path}\``, { cause })
    : new CygstrapError('io', `cannot read \`${path}\``, { cause });
}

function broken(path: string, why: string): CygstrapError {
  return new CygstrapError('corrupt', `\`${path}\` is no bundle of this cygstrap: ${why}`, { details: { file: path } });
}
