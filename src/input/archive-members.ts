import { createReadStream } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { digestOfFile } from '../io/file-digest.ts';
import { ProgramError, findProgram, startProgram } from '../io/program.ts';
import { TarFault, readTar } from '../io/tar-read.ts';
import { decode } from './decode.ts';
import { DecodeFault } from './input-error.ts';
import { memberPath } from './member-path.ts';
import { SNIFF_BYTES, sniffCompression } from './sniff.ts';
import type { Compression } from './sniff.ts';

/** `link` is a second name of an earlier file, `other` a device or a pipe. */
export type MemberType = (typeof MEMBER_TYPES)[number];

export const MEMBER_TYPES = ['file', 'directory', 'symlink', 'link', 'other'] as const;

/** A member of an archive. */
export interface ArchiveMember {
  /** See `memberPath`. */
  readonly path: string;
  readonly type: MemberType;
  readonly size: number;
  /** Of a link. */
  readonly target?: string;
}

/** An archive to read, and what its index says of it. */
export interface ArchiveToRead {
  /** Absolute path. */
  readonly location: string;
  readonly sizeBytes: number;
  /** Undefined if the index has none; the archive is then not verified. */
  readonly digest: { readonly algorithm: 'sha512' | 'md5'; readonly hex: string } | undefined;
}

/** The members of an archive in its order, or why they cannot be listed. */
export type MemberList = { readonly members: readonly ArchiveMember[] } | { readonly why: string };

export interface ArchiveLimits {
  /** From this size on, the program `xz` decompresses in a process of its own, in bounded memory. Starting it takes a
   *  few milliseconds. */
  readonly programMinBytes: number;
  /** Largest archive that is decompressed in this process: it is read completely first. */
  readonly maxHeldBytes: number;
  /** Largest tar that is decompressed in this process. */
  readonly maxHeldTarBytes: number;
  /** Largest tar that a program decompresses. */
  readonly maxTarBytes: number;
  /** Most memory of a list, estimated: its names, and some bytes for each member. */
  readonly maxListBytes: number;
}

/** Memory limit of the program: twice what data of `xz -9` needs. */
const MAX_DECODER_BYTES = 128 * 1024 * 1024;

/** Memory of a member besides its names. */
const MEMBER_BYTES = 64;

/** Of the 27,730 binary archives of Cygwin in 2025, 84 have more than 64 MB, the largest 802 MB. */
export const ARCHIVE_LIMITS: ArchiveLimits = {
  programMinBytes: 256 * 1024,
  maxHeldBytes: 64 * 1024 * 1024,
  maxHeldTarBytes: 512 * 1024 * 1024,
  maxTarBytes: 16 * 1024 * 1024 * 1024,
  maxListBytes: 32 * 1024 * 1024,
};

/** Verifies the digest of an archive and lists its members. Memory is bounded.
 *  Throws errors of the system, and the reason of the signal. */
export async function listMembers(
  archive: ArchiveToRead,
  {
    limits = ARCHIVE_LIMITS,
    signal,
  }: { readonly limits?: ArchiveLimits; readonly signal?: AbortSignal | undefined } = {},
): Promise<MemberList> {
  const { location, digest } = archive;
  if (digest !== undefined && (await digestOfFile(location, digest.algorithm, signal)) !== digest.hex)
    return { why: `its ${digest.algorithm} differs from that of the index` };
  const compression = await compressionOf(location);
  const attempts = [
    ...((await usesProgram(compression, archive, limits)) ? [() => decodedByXz(location, limits, signal)] : []),
    () => decodedHere(compression, archive, limits),
  ];
  let why = '';
  for (const attempt of attempts) {
    try {
      return { members: await membersOf(attempt(), limits, signal) };
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof DecodeFault || error instanceof TarFault || error instanceof ProgramError)) throw error;
      why = error.message;
      if (error instanceof DecodeFault && error.code === 'limit') break;
    }
  }
  return { why };
}

async function compressionOf(location: string): Promise<Compression | 'none'> {
  await using file = await open(location, 'r');
  const { buffer, bytesRead } = await file.read(Buffer.alloc(SNIFF_BYTES), 0, SNIFF_BYTES, 0);
  return sniffCompression(buffer.subarray(0, bytesRead));
}

/** Windows would search the current directory for the program first. */
async function usesProgram(
  compression: Compression | 'none',
  { sizeBytes }: ArchiveToRead,
  { programMinBytes }: ArchiveLimits,
): Promise<boolean> {
  if (compression !== 'xz' || sizeBytes < programMinBytes || process.platform === 'win32') return false;
  return (await findProgram('xz')) !== undefined;
}

/** Decompresses with the program `xz`. Throws `ProgramError` if it refuses the data, and `DecodeFault`. */
async function* decodedByXz(
  location: string,
  { maxTarBytes }: ArchiveLimits,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const argv = [
    'xz',
    '--decompress',
    '--stdout',
    '--format=xz',
    '--threads=1',
    `--memlimit-decompress=${MAX_DECODER_BYTES}`,
  ];
  // XZ_DEFAULTS and XZ_OPT would add options.
  const environment = { PATH: process.env['PATH'] };
  await using program = await startProgram(argv, { signal, environment, isEnvironmentComplete: true });
  // A failed write means that the program has ended; its exit code says why.
  const writing = pipeline(createReadStream(location), program.stdin).catch(() => {});
  let tarBytes = 0;
  for await (const chunk of program.stdout as AsyncIterable<Uint8Array>) {
    tarBytes += chunk.length;
    if (tarBytes > maxTarBytes) throw new DecodeFault('limit', `it holds more than ${maxTarBytes} bytes`);
    yield chunk;
  }
  const exit = await program.exited;
  await writing;
  if (exit.code !== 0) throw new ProgramError(`\`xz\` cannot decompress it`, { details: program.details(exit) });
}

/** Decompresses in this process. Throws `DecodeFault`. */
async function* decodedHere(
  compression: Compression | 'none',
  { location, sizeBytes }: ArchiveToRead,
  { maxHeldBytes, maxHeldTarBytes }: ArchiveLimits,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (compression === 'none') {
    yield* createReadStream(location) as AsyncIterable<Uint8Array>;
    return;
  }
  if (sizeBytes > maxHeldBytes) {
    const advice = compression === 'xz' ? ' without the program `xz`' : '';
    throw new DecodeFault('limit', `it has more than ${maxHeldBytes} bytes, too many${advice}`);
  }
  let tarBytes = 0;
  for await (const chunk of decode(compression, await readFile(location), maxHeldTarBytes)) {
    tarBytes += chunk.length;
    if (tarBytes > maxHeldTarBytes) throw new DecodeFault('limit', `it holds more than ${maxHeldTarBytes} bytes`);
    yield chunk;
  }
}

async function membersOf(
  tar: AsyncIterable<Uint8Array>,
  { maxListBytes }: ArchiveLimits,
  signal: AbortSignal | undefined,
): Promise<ArchiveMember[]> {
  const members: ArchiveMember[] = [];
  let bytes = 0;
  for await (const { name, type, sizeBytes, target } of readTar(tar)) {
    signal?.throwIfAborted();
    bytes += MEMBER_BYTES + name.length + (target?.length ?? 0);
    if (bytes > maxListBytes)
      throw new DecodeFault('limit', `the list of its files would need more than ${maxListBytes} bytes`);
    const path = memberPath(name);
    if (path === undefined) continue;
    const known = MEMBER_TYPES.find((each) => each === type) ?? 'other';
    members.push({ path, type: known, size: sizeBytes, ...(target !== undefined && { target }) });
  }
  return members;
}
