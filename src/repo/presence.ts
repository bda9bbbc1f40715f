import { setImmediate as nextTurn } from 'node:timers/promises';
import { lookBelow } from '../io/no-follow.ts';
import type { Found } from '../io/no-follow.ts';
import { ioError } from '../io/system-error.ts';
import type { HashPool } from './disk/hash-pool.ts';
import type { ReadOptions } from './disk/receive.ts';
import { algorithmOf } from './files/file.ts';
import type { RepoFile } from './files/file.ts';
import { keyOf, locate } from './files/layout.ts';
import type { RepoPlaces } from './files/layout.ts';
import { linkError } from './files/links.ts';
import type { Clash } from './files/clashes.ts';
import { clashesOf } from './obstacles.ts';
import type { PlacedFiles } from './disk/placed-files.ts';
import type { FileStatus } from './disk/file-status.ts';
import type { VerificationCache } from './verification-cache.ts';
import { shown } from './files/verify-error.ts';
import { verifiedFile } from './verified.ts';
import type { VerifiedFile } from './verified.ts';

/** Which of a list of files exist. */
export interface Presence {
  readonly present: readonly VerifiedFile[];
  /** Number of `present` files that were read now; the others have not changed since they were read. */
  readonly readFiles: number;
  readonly absent: readonly RepoFile[];
  /** Of another size or content, not readable, or a symbolic link; `put` replaces them if nothing clashes. */
  readonly damaged: readonly RepoFile[];
  /** Files in the place of absent or damaged ones that cygstrap did not put there. */
  readonly clashes: readonly Clash[];
}

export interface PresenceOptions extends ReadOptions {
  readonly places: RepoPlaces;
  readonly pool: HashPool;
  readonly verified: VerificationCache;
  readonly placed: PlacedFiles;
  readonly allowUndigested: boolean;
  /** Called for each file that was read without damage, with its status and digest. */
  readonly onVerified: (file: VerifiedFile, status: FileStatus, digest: string) => void;
}

/** A few milliseconds of work, more on a slow disk; signals are delivered in between. */
const FILES_PER_TURN = 256;

/** Finds which files exist, for `Store.presence`. Throws `repo` for a directory that is a symbolic link, `io`, and the
 *  reason of the signal. */
export async function findPresent(files: readonly RepoFile[], options: PresenceOptions): Promise<Presence> {
  const { places, pool, verified, placed, allowUndigested, onVerified, onBytes, signal } = options;
  const distinct = [...new Map(files.map((file) => [file.path, file])).values()];
  const directories = new Map<string, Found>();
  const found = await lookAt(distinct, { places, directories, signal });
  const present = new Map<string, VerifiedFile>();
  let readFiles = 0;
  const unknown = new Map<string, RepoFile>();
  for (const file of distinct) {
    const one = found.get(file.path);
    const isVerifiable = file.digest !== undefined || allowUndigested;
    if (one?.kind !== 'file' || !isVerifiable) continue;
    const { status } = one;
    if (status.size !== BigInt(file.sizeBytes)) continue;
    const location = locate(places, file.path);
    if (verified.isVerified(keyOf(places, file), file, status)) present.set(file.path, verifiedFile(file, location));
    else unknown.set(location, file);
  }
  const tasks = [...unknown].map(([location, file]) => ({
    location,
    sizeBytes: file.sizeBytes,
    algorithms: [algorithmOf(file)],
  }));
  await pool.hashFiles(
    tasks,
    (results) => {
      for (const result of results) {
        const file = unknown.get(result.location);
        if (file === undefined || 'errorCode' in result) continue;
        onBytes?.(result.sizeBytes);
        const algorithm = algorithmOf(file);
        const hex = result.digests[algorithm] ?? '';
        if (result.sizeBytes !== file.sizeBytes || (file.digest !== undefined && hex !== file.digest.hex)) continue;
        const one = verifiedFile(file, result.location);
        present.set(file.path, one);
        readFiles++;
        onVerified(one, { ...result, size: BigInt(result.sizeBytes) }, shown({ algorithm, hex }));
      }
    },
    signal,
  );
  const others = distinct.filter(({ path }) => !present.has(path));
  for (const file of others) verified.delete(keyOf(places, file));
  return {
    present: distinct.flatMap(({ path }) => present.get(path) ?? []),
    readFiles,
    absent: others.filter(({ path }) => found.get(path)?.kind === 'missing'),
    damaged: others.filter(({ path }) => found.get(path)?.kind !== 'missing'),
    clashes: clashesOf(others, { places, placed, found, directories }),
  };
}

/** Looks at each file. Synchronous calls: one takes 5 us, an asynchronous one several times that. */
async function lookAt(
  files: readonly RepoFile[],
  {
    places,
    directories,
    signal,
  }: {
    readonly places: RepoPlaces;
    readonly directories: Map<string, Found>;
    readonly signal: AbortSignal | undefined;
  },
): Promise<Map<string, Found>> {
  const all = new Map<string, Found>();
  const { root } = places;
  for (const [i, file] of files.entries()) {
    if (i % FILES_PER_TURN === 0) await nextTurn();
    signal?.throwIfAborted();
    const key = keyOf(places, file);
    try {
      const found = lookBelow(root, key, directories);
      if (found.kind === 'link' && found.link !== key) throw linkError(root, found.link);
      all.set(file.path, found);
    } catch (error) {
      throw ioError(error, 'read the status of', locate(places, file.path));
    }
  }
  return all;
}
