import { statSync } from 'node:fs';
import { CygstrapError } from '../errors.ts';
import { makeDurable } from './disk/durable.ts';
import { ioError, hasCode } from '../io/system-error.ts';
import { HashPool } from './disk/hash-pool.ts';
import type { FileHash } from './disk/hash-pool.ts';
import { algorithmOf } from './files/file.ts';
import type { RepoFile } from './files/file.ts';
import { isContentDirectory, inspectRepo } from './repo.ts';
import type { RepoState } from './repo.ts';
import { isSettled } from './disk/file-status.ts';
import { VerificationCache } from './verification-cache.ts';
import { shown } from './files/verify-error.ts';
import { verifiedFile } from './verified.ts';
import type { VerifiedFile } from './verified.ts';
import { walkBase } from './walk.ts';

/** What some lock or index promises of a repo. */
export interface Promises {
  readonly files: Iterable<RepoFile>;
  /** Whether all of it must be there, as what a lock lists; not so for what a site's own index lists. */
  readonly isComplete: boolean;
}

/** Something about one file of a repo. */
export interface Finding {
  /** `damaged`: right size, other content. `missing`, `wrong-size`, `unreadable`: as the words say. `unlisted`: among the archives,
   *  and promised by nobody. `leftover`: unfinished work of ours or of setup. Only the last two do no harm. */
  readonly kind: 'damaged' | 'wrong-size' | 'missing' | 'unreadable' | 'unlisted' | 'leftover';
  /** Relative to the root of the repo. */
  readonly path: string;
  /** Size in bytes or digest, as promised and as found; the code of the system for `unreadable`. */
  readonly expected?: string;
  readonly actual?: string;
  /** What should be there, for whoever mends it. */
  readonly file?: RepoFile;
}

export interface Audit {
  /** By path, then kind. */
  readonly findings: readonly Finding[];
  /** Files that were compared with a promise, and their bytes on disk. */
  readonly files: number;
  readonly sizeBytes: number;
  /** What was read and is intact; nothing after a quick audit. By path. */
  readonly verified: readonly VerifiedFile[];
}

export interface AuditOptions {
  /** Whether sizes alone are compared. */
  readonly isQuick?: boolean;
  /** Threads that hash; by default one for each processor. */
  readonly jobs?: number;
  readonly signal?: AbortSignal | undefined;
  /** Called as files are read. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/** Whether a finding means that a promise is broken. */
export function isDamage({ kind }: Finding): boolean {
  return kind !== 'unlisted' && kind !== 'leftover';
}

/** Compares what lies in a repo with what was promised of it: every promised file is read in full (unless quick), whatever is
 *  known of it from before, and everything else among the archives is listed. Deletes nothing. Remembers intact files as
 *  verified, and forgets damaged ones, where the repo can be written to and is ours.
 *  Throws `repo` for a directory without archives, `io` for one that cannot be listed, and the signal's reason. */
export async function auditRepo(
  root: string,
  promises: readonly Promises[],
  options: AuditOptions = {},
): Promise<Audit> {
  const state = inspectRepo(root);
  if (state.bases.length === 0) {
    throw new CygstrapError('repo', `\`${root}\` is no repo: it has no index and no archives`, {
      hint: 'name the directory that holds `x86_64`',
    });
  }
  const promised = promisedFiles(promises);
  const { findings, present } = compareNames(root, state, promised);
  const verified: VerifiedFile[] = [];
  if (options.isQuick !== true) {
    const hashes = await hashPresent(present, options);
    for (const one of present.flatMap((file) => judge(file, hashes.get(file.location)))) {
      if ('kind' in one) findings.push(one);
      else verified.push(one);
    }
    if (state.kind === 'marked') await remember(root, present, hashes, findings);
  }
  return {
    findings: findings.sort((a, b) => order(a.path, b.path) || order(a.kind, b.kind)),
    files: present.length,
    sizeBytes: present.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    verified,
  };
}

/** What is promised of one path. */
interface Promised {
  /** More than one when promises differ. */
  readonly files: RepoFile[];
  isNeeded: boolean;
}

/** A promised file that is there with the right size. */
interface Present {
  readonly path: string;
  readonly location: string;
  readonly sizeBytes: number;
  readonly promised: readonly RepoFile[];
}

function promisedFiles(promises: readonly Promises[]): Map<string, Promised> {
  const byPath = new Map<string, Promised>();
  for (const { files, isComplete } of promises) {
    for (const file of files) {
      const known = byPath.get(file.path);
      if (known === undefined) byPath.set(file.path, { files: [file], isNeeded: isComplete });
      else {
        known.isNeeded ||= isComplete;
        if (!known.files.some((one) => one.sizeBytes === file.sizeBytes && one.digest?.hex === file.digest?.hex))
          known.files.push(file);
      }
    }
  }
  return byPath;
}

function compareNames(
  root: string,
  { bases }: RepoState,
  promised: ReadonlyMap<string, Promised>,
): { findings: Finding[]; present: Present[] } {
  const findings: Finding[] = [];
  const present: Present[] = [];
  const seen = new Set<string>();
  for (const base of bases) {
    for (const entry of walkBase(root, base, base === '' ? bases : [])) {
      const path = base === '' ? entry.path : `${base}/${entry.path}`;
      const promise = promised.get(entry.path);
      if (promise !== undefined) {
        seen.add(entry.path);
        const { file, finding } = compareSize(root, path, promise.files);
        if (finding !== undefined) findings.push(finding);
        if (file !== undefined) present.push(file);
      } else if (entry.kind === 'leftover') findings.push({ kind: 'leftover', path });
      else if (entry.kind !== 'index' && isContentDirectory(entry.path.split('/')[0] ?? ''))
        findings.push({ kind: 'unlisted', path });
    }
  }
  for (const [path, { files, isNeeded }] of promised) {
    const [file] = files;
    if (isNeeded && !seen.has(path) && file !== undefined)
      findings.push({ kind: 'missing', path: bases[0] === '' ? path : `${bases[0]}/${path}`, file });
  }
  return { findings, present };
}

/** Compares the size with every promise; only a file that keeps them all is worth reading. */
function compareSize(
  root: string,
  path: string,
  promised: readonly RepoFile[],
): { readonly file?: Present; readonly finding?: Finding } {
  const location = `${root}/${path}`;
  try {
    const { size } = statSync(location);
    const wrong = promised.find(({ sizeBytes }) => sizeBytes !== size);
    if (wrong === undefined) return { file: { path, location, sizeBytes: size, promised } };
    return {
      finding: { kind: 'wrong-size', path, expected: `${wrong.sizeBytes} bytes`, actual: `${size} bytes`, file: wrong },
    };
  } catch (error) {
    // A symbolic link into nowhere, or gone since it was listed.
    if (hasCode(error, 'ENOENT'))
      return { finding: { kind: 'missing', path, ...(promised[0] && { file: promised[0] }) } };
    throw ioError(error, 'look at', location);
  }
}

async function hashPresent(
  present: readonly Present[],
  { jobs, signal, onBytes }: AuditOptions,
): Promise<Map<string, FileHash>> {
  const pool = new HashPool(jobs);
  const hashes = new Map<string, FileHash>();
  const tasks = present.map(({ location, sizeBytes, promised }) => {
    return { location, sizeBytes, algorithms: [...new Set(promised.map(algorithmOf))] };
  });
  try {
    await pool.hashFiles(
      tasks,
      (results) => {
        for (const result of results) {
          hashes.set(result.location, result);
          if ('sizeBytes' in result) onBytes?.(result.sizeBytes);
        }
      },
      signal,
    );
  } finally {
    await pool.close();
  }
  return hashes;
}

/** What was read of a file, against every promise: a verified file for each, or the first that is broken. */
function judge({ path, location, promised }: Present, hash: FileHash | undefined): readonly (VerifiedFile | Finding)[] {
  const verified: VerifiedFile[] = [];
  for (const file of promised) {
    if (hash === undefined || 'errorCode' in hash)
      return [{ kind: 'unreadable', path, actual: hash?.errorCode ?? 'not read', file }];
    const { sizeBytes, digest } = file;
    if (hash.sizeBytes !== sizeBytes)
      return [{ kind: 'wrong-size', path, expected: `${sizeBytes} bytes`, actual: `${hash.sizeBytes} bytes`, file }];
    const hex = digest === undefined ? undefined : hash.digests[digest.algorithm];
    if (digest !== undefined && hex !== digest.hex) {
      return [
        { kind: 'damaged', path, expected: shown(digest), actual: shown({ ...digest, hex: hex ?? 'none' }), file },
      ];
    }
    verified.push(verifiedFile(file, location));
  }
  return verified;
}

/** Brings the stamps up to date. They are a convenience: a repo that cannot be written to (on a DVD) has none. */
async function remember(
  root: string,
  present: readonly Present[],
  hashes: ReadonlyMap<string, FileHash>,
  findings: readonly Finding[],
): Promise<void> {
  try {
    const cache = VerificationCache.read(root);
    const bad = new Set(findings.map(({ path }) => path));
    for (const path of bad) cache.delete(path);
    const fresh: string[] = [];
    for (const { path, location, promised } of present) {
      const hash = hashes.get(location);
      const [file] = promised;
      if (hash === undefined || 'errorCode' in hash || file === undefined || bad.has(path)) continue;
      const status = { ...hash, size: BigInt(hash.sizeBytes) };
      if (!isSettled(status) || cache.isVerified(path, file, status)) continue;
      const algorithm = algorithmOf(file);
      cache.set(path, { ...status, digest: shown({ algorithm, hex: hash.digests[algorithm] ?? '' }) });
      fresh.push(location);
    }
    // Entries stand for bytes on the disk, and a killed fetch may not have flushed them.
    if (fresh.length > 0) await makeDurable(root, fresh);
    cache.save();
  } catch (error) {
    if (!(ioError(error, 'remember', root) instanceof CygstrapError)) throw error;
  }
}

function order(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
