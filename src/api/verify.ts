import { resolve } from 'node:path';
import { CygstrapError } from '../errors.ts';
import { auditRepo, isDamage } from '../repo/audit.ts';
import type { Expectation, Finding } from '../repo/audit.ts';
import { archivesOf, fileOfArchive } from '../repo/files/archive-file.ts';
import type { UncheckedFile } from '../repo/files/archive-file.ts';
import type { RepoFile } from '../repo/files/file.ts';
import { parseRepoFiles } from '../repo/files/path.ts';
import { indexesInForce } from '../repo/index-files.ts';
import type { IndexInForce } from '../repo/index-files.ts';
import { inspectRepo } from '../repo/repo.ts';
import { readIndex } from './load-catalog.ts';
import type { ReadingContext } from './context.ts';
import { compareWithRepo, warnOfUndigested } from './lock-comparison.ts';
import { readLock } from './lock-file.ts';
import { filesOfLock } from './repo-files.ts';

export interface VerifyRequest {
  readonly repo: string;
  /** Lock files whose archives must exist, too. */
  readonly locks?: readonly string[] | undefined;
  /** Whether only sizes are compared. Default: false. */
  readonly isQuick?: boolean | undefined;
}

export interface VerifyContext extends ReadingContext {
  /** Called with the size of each file after it was read. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

export interface VerifyResult {
  readonly repo: string;
  /** The indexes of the repo, relative to it. */
  readonly indexes: readonly { readonly path: string; readonly isSubset: boolean }[];
  readonly locks: readonly string[];
  readonly isQuick: boolean;
  /** Number of expected files that exist, and their bytes. */
  readonly files: number;
  readonly sizeBytes: number;
  /** By path. Damage has the expected `file`. */
  readonly findings: readonly Finding[];
  /** Number of findings that are damage. */
  readonly damaged: number;
  /** Number of locked files of which the lock has no digest. */
  readonly undigested: number;
}

/** Compares the files of a repo with its indexes and the given locks. Deletes nothing. Throws `repo` for a directory
 *  that is not a repo or that has neither an index nor a lock, `lock` for a lock that contradicts an index, and errors
 *  of reading indexes and locks. */
export async function verifyRepo(
  { repo, locks = [], isQuick = false }: VerifyRequest,
  context: VerifyContext = {},
): Promise<VerifyResult> {
  const { report = () => {}, signal, onBytes } = context;
  const root = resolve(repo);
  const indexes = indexesInForce(root, inspectRepo(root).bases);
  const expectations: Expectation[] = [];
  let undigested = 0;
  for (const file of locks) {
    const lock = await readLock(file);
    undigested += warnOfUndigested({ file, lock }, report);
    await compareWithRepo({ file, lock }, root, context);
    expectations.push({ files: filesOfLock(lock), isComplete: true });
  }
  for (const index of indexes)
    expectations.push({ files: await filesOfIndex(index, context), isComplete: index.isSubset });
  if (expectations.length === 0 && inspectRepo(root).bases.length > 0) {
    throw new CygstrapError('repo', `\`${repo}\` has no list of its files: it has no index`, {
      hint: 'name a lock with `--lock`',
    });
  }
  const { files, sizeBytes, findings } = await auditRepo(root, expectations, { isQuick, signal, onBytes });
  return {
    repo,
    indexes: indexes.map(({ path, isSubset }) => ({ path, isSubset })),
    locks,
    isQuick,
    files,
    sizeBytes,
    findings,
    damaged: findings.filter(isDamage).length,
    undigested,
  };
}

/** Returns the files to fetch again to repair all damage, each path once. */
export function filesToRepair({ findings }: VerifyResult): RepoFile[] {
  const damaged = findings.filter(isDamage).flatMap(({ file }) => file ?? []);
  return [...new Map(damaged.map((file) => [file.path, file])).values()];
}

/** Reads the archives and sources that an index of a repo lists. Throws as `readIndex`, and `repo` for invalid
 *  paths. */
export async function filesOfIndex({ location }: IndexInForce, context: ReadingContext): Promise<RepoFile[]> {
  const files: UncheckedFile[] = [];
  await readIndex(location, context, (records) => {
    for (const { versions } of records) files.push(...versions.flatMap(archivesOf).map(fileOfArchive));
  });
  return parseRepoFiles(files);
}
