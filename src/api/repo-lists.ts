import { availableParallelism } from 'node:os';
import type { Archive } from '../core/setup-ini/records.ts';
import { CygstrapError } from '../errors.ts';
import { listMembers } from '../input/archive-members.ts';
import type { MemberList } from '../input/archive-members.ts';
import { MemberCache } from '../input/member-cache.ts';
import { lookBelow } from '../io/no-follow.ts';
import { ioError, isMissing } from '../io/system-error.ts';
import { digestOf } from '../repo/files/archive-file.ts';
import { parseRepoPath } from '../repo/files/path.ts';
import { cacheDirectoryOf } from './context.ts';
import type { OperationContext } from './context.ts';
import { forEach } from './for-each.ts';

/** Archives that are decompressed at a time; each can need 200 MB of memory. */
const MOST_AT_ONCE = 8;

/** Lists that are read from the cache at a time; each can need some hundred MB of memory. */
export const CACHED_AT_ONCE = 4;

/** An archive of a repo. */
export interface RepoArchive {
  /** As the index lists it. */
  readonly archive: Archive;
  /** Where its path starts, relative to the root of the repo. */
  readonly base: string;
}

/** The members of an archive, or why they are not known. `error` is a failure of the system. */
export type FoundList =
  MemberList | { readonly isMissing: true } | { readonly why: string; readonly error: CygstrapError };

/** Lists the members of archives of a repo, and passes each list on; in no order. Lists are kept by the SHA-512 of the
 *  archive; archives without one in the index are read each time. An archive that cannot be read does not stop the
 *  others. Throws `repo` for invalid paths, what `take` throws, and the reason of the signal. */
export async function listArchives<A extends RepoArchive>(
  root: string,
  archives: readonly A[],
  take: (archive: A, list: FoundList) => void,
  context: OperationContext,
): Promise<void> {
  const { report = () => {}, signal } = context;
  const directory = cacheDirectoryOf(context, 'lists');
  const cache =
    directory === undefined ? undefined : new MemberCache(directory, (message) => report({ kind: 'note', message }));
  const unknown: { readonly archive: A; readonly location: string }[] = [];
  await forEach(archives, CACHED_AT_ONCE, signal, async (one) => {
    const { archive, base } = one;
    const path = parseRepoPath(archive.path);
    const key = base === '' ? path : `${base}/${path}`;
    const found = await readable(archive, () => lookBelow(root, key));
    if (!('kind' in found)) return take(one, found);
    if (found.kind === 'missing') return take(one, { isMissing: true });
    if (found.kind !== 'file') return take(one, { why: 'it is not a regular file' });
    if (found.status.size !== BigInt(archive.sizeBytes))
      return take(one, { why: 'its size differs from that of the index' });
    const members = archive.sha512 === undefined ? undefined : await cache?.read(archive.sha512);
    if (members === undefined) unknown.push({ archive: one, location: `${root}/${key}` });
    else take(one, { members });
  });
  if (unknown.length === 0) return;
  const sizeBytes = unknown.reduce((sum, { archive }) => sum + archive.archive.sizeBytes, 0);
  report({ kind: 'list-start', archives: unknown.length, sizeBytes });
  const atOnce = Math.min(MOST_AT_ONCE, availableParallelism());
  await forEach(unknown, atOnce, signal, async ({ archive: one, location }) => {
    const startMs = performance.now();
    const { path, sizeBytes: size, sha512 } = one.archive;
    const list = await readable(one.archive, () =>
      listMembers({ location, sizeBytes: size, digest: digestOf(one.archive) }, { signal }),
    );
    if ('members' in list && sha512 !== undefined) await cache?.write(sha512, list.members);
    report({ kind: 'archive-listed', path, sizeBytes: size, durationMs: performance.now() - startMs });
    take(one, list);
  });
}

/** Reads something of an archive; returns failures of the system, and that it was removed in the meantime. */
async function readable<T>({ path }: Archive, read: () => T | Promise<T>): Promise<T | FoundList> {
  try {
    return await read();
  } catch (cause) {
    if (isMissing(cause)) return { isMissing: true };
    const error = ioError(cause, 'read', path);
    if (error === cause || !(error instanceof CygstrapError)) throw cause;
    return { why: error.message, error };
  }
}
