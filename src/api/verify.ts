import { resolve } from 'node:path';
import { CygstrapError } from '../errors.ts';
import { auditRepo, isDamage } from '../repo/audit.ts';
import type { Expectation, Finding } from '../repo/audit.ts';
import { archivesOf, fileOfArchive } from '../repo/files/archive-file.ts';
import type { RepoFile } from '../repo/files/file.ts';
import { indexesInForce } from '../repo/index-files.ts';
import type { IndexInForce } from '../repo/index-files.ts';
import { inspectRepo } from '../repo/repo.ts';
import { readIndex } from './load-catalog.ts';
import type { LoadOptions } from './load-catalog.ts';
import { readLock } from './lock-file.ts';
import { filesOfLock } from './repo-files.ts';

export interface VerifyRequest {
  readonly repo: string;
  /** Lock files whose archives must be there too. */
  readonly locks?: readonly string[];
  /** Whether sizes alone are compared. */
  readonly isQuick?: boolean;
}

export interface VerifyContext {
  readonly load?: LoadOptions;
  readonly signal?: AbortSignal | undefined;
  /** Called as files are read. */
  readonly onBytes?: (bytes: number) => void;
}

export interface VerifyResult {
  readonly repo: string;
  /** The indexes that were compared with, relative to the repo. */
  readonly indexes: readonly Pick<IndexInForce, 'path' | 'isSubset'>[];
  readonly locks: readonly string[];
  readonly isQuick: boolean;
  /** Promised files that are there, and their bytes. */
  readonly files: number;
  readonly sizeBytes: number;
  /** By path. What is damaged has the `file` it should be. */
  readonly findings: readonly Finding[];
  /** Findings that break a promise. */
  readonly damaged: number;
}

/** Compares the bytes of a repo with what its indexes and the given locks promise. Deletes nothing. Throws `repo` for a directory
 *  that is none, or of which nothing is promised, and what reading indexes and locks throws. */
export async function verifyRepo(
  { repo, locks = [], isQuick = false }: VerifyRequest,
  { load = {}, signal, onBytes }: VerifyContext = {},
): Promise<VerifyResult> {
  const root = resolve(repo);
  const indexes = indexesInForce(root, inspectRepo(root).bases);
  const expectations: Expectation[] = [];
  for (const lock of locks) expectations.push({ files: filesOfLock(await readLock(lock)), isComplete: true });
  for (const index of indexes)
    expectations.push({ files: await filesOfIndex(index, load), isComplete: index.isSubset });
  if (expectations.length === 0 && inspectRepo(root).bases.length > 0) {
    throw new CygstrapError('repo', `nothing says what should be in \`${repo}\`: it has no index`, {
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
  };
}

/** The files to fetch again so that every promise is kept, each path once. */
export function filesToMend({ findings }: VerifyResult): RepoFile[] {
  const damaged = findings.filter(isDamage).flatMap(({ file }) => file ?? []);
  return [...new Map(damaged.map((file) => [file.path, file])).values()];
}

/** Reads the files that an index of a repo lists: archives and sources. Throws what `readIndex` throws, and `repo` for a path that
 *  no repo can have. */
export async function filesOfIndex({ location }: IndexInForce, load: LoadOptions): Promise<RepoFile[]> {
  const files: RepoFile[] = [];
  await readIndex(location, load, (records) => {
    for (const { versions } of records) files.push(...versions.flatMap(archivesOf).map(fileOfArchive));
  });
  return files;
}
