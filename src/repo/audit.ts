import { lstatSync } from 'node:fs';
import { CygstrapError } from '../errors.ts';
import { pathComparison } from '../io/caseless.ts';
import { hasCode, ioError } from '../io/system-error.ts';
import { makeDurable } from './disk/durable.ts';
import { isSettled } from './disk/file-status.ts';
import { HashPool } from './disk/hash-pool.ts';
import type { FileHash } from './disk/hash-pool.ts';
import { algorithmOf } from './files/file.ts';
import type { RepoFile } from './files/file.ts';
import { isSameContent } from './files/path-conflicts.ts';
import { shown } from './files/verify-error.ts';
import { inspectRepo, isContentDirectory } from './repo.ts';
import type { RepoState } from './repo.ts';
import { VerificationCache } from './verification-cache.ts';
import { verifiedFile } from './verified.ts';
import type { VerifiedFile } from './verified.ts';
import { walkBase } from './walk.ts';

/** The files that one lock or index lists. */
export interface Expectation {
  readonly files: Iterable<RepoFile>;
  /** Whether all of them must exist: true for a lock, false for the index of a site. */
  readonly isComplete: boolean;
}

/** A fact about one file of a repo. */
export interface Finding {
  /** `damaged`: right size, wrong content. `link`: a symbolic link where files are expected. `unlisted`: an archive
   *  that nothing lists. `leftover`: an unfinished file of cygstrap or setup. All but the last two are damage. */
  readonly kind: 'damaged' | 'wrong-size' | 'missing' | 'unreadable' | 'link' | 'unlisted' | 'leftover';
  /** Relative to the root of the repo. */
  readonly path: string;
  /** Size in bytes or digest; for `unreadable`, `actual` is the error code of the system. */
  readonly expected?: string;
  readonly actual?: string;
  /** The expected file, which a repair fetches. */
  readonly file?: RepoFile;
}

export interface Audit {
  /** By path, then kind. */
  readonly findings: readonly Finding[];
  /** Number of expected files that exist with the right size, and their bytes. */
  readonly files: number;
  readonly sizeBytes: number;
  /** Files that were read without damage, by path; none after a quick audit. */
  readonly verified: readonly VerifiedFile[];
}

export interface AuditOptions {
  /** Whether only sizes are compared. */
  readonly isQuick?: boolean;
  /** Threads that hash; the default is one for each processor. */
  readonly jobs?: number;
  readonly signal?: AbortSignal | undefined;
  /** For tests: whether the disk ignores the case of names. Default: detected. */
  readonly ignoresCase?: boolean;
  /** Called with the size of each file after it was read. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/** Returns whether a finding means that an expected file is missing or damaged. */
export function isDamage({ kind }: Finding): boolean {
  return kind !== 'unlisted' && kind !== 'leftover';
}

/** Compares the files of a repo with what locks and indexes list: reads every listed file in full, unless quick, and
 *  lists all other archives. Deletes nothing. Records undamaged files in the verification cache and removes damaged
 *  ones from it, if the repo is one of cygstrap and writable. Throws `repo` for a directory without archives, `io` for
 *  one that cannot be listed, and the reason of the signal. */
export async function auditRepo(
  root: string,
  expectations: readonly Expectation[],
  options: AuditOptions = {},
): Promise<Audit> {
  const state = inspectRepo(root);
  if (state.bases.length === 0) {
    throw new CygstrapError('repo', `\`${root}\` is not a repo: it has no index and no archives`, {
      hint: 'name the directory that contains `x86_64`',
    });
  }
  const { findings, present } = compareNames(root, state, expectations, options);
  const verified: VerifiedFile[] = [];
  if (options.isQuick !== true) {
    const hashes = await hashPresent(present, options);
    for (const one of present.flatMap((file) => compareContent(file, hashes.get(file.location)))) {
      if ('kind' in one) findings.push(one);
      else verified.push(one);
    }
    if (state.kind === 'marked') await record(root, present, hashes, findings);
  }
  return {
    findings: findings.sort((a, b) => order(a.path, b.path) || order(a.kind, b.kind)),
    files: present.length,
    sizeBytes: present.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    verified,
  };
}

/** What is expected at one path. */
interface Expected {
  readonly path: string;
  /** More than one if locks and indexes differ. */
  readonly files: RepoFile[];
  isNeeded: boolean;
}

/** An expected file that exists with the right size. */
interface Present {
  readonly path: string;
  readonly location: string;
  readonly sizeBytes: number;
  readonly expected: readonly RepoFile[];
}

/** By path, as `keyOf` converts it. */
function expectedFiles(
  expectations: readonly Expectation[],
  keyOf: (path: string) => string,
): ReadonlyMap<string, Expected> {
  const byKey = new Map<string, Expected>();
  for (const { files, isComplete } of expectations) {
    for (const file of files) {
      const key = keyOf(file.path);
      const known = byKey.get(key);
      if (known === undefined) byKey.set(key, { path: file.path, files: [file], isNeeded: isComplete });
      else {
        known.isNeeded ||= isComplete;
        if (!known.files.some((one) => isSameContent(one, file))) known.files.push(file);
      }
    }
  }
  return byKey;
}

function compareNames(
  root: string,
  { bases }: RepoState,
  expectations: readonly Expectation[],
  { ignoresCase }: AuditOptions,
): { findings: Finding[]; present: Present[] } {
  const keyOf = pathComparison(root, ignoresCase);
  const expected = expectedFiles(expectations, keyOf);
  const findings: Finding[] = [];
  const present: Present[] = [];
  const seen = new Set<string>();
  for (const base of bases) {
    for (const entry of walkBase(root, base, (name) => base === '' && bases.includes(name))) {
      const path = base === '' ? entry.path : `${base}/${entry.path}`;
      const key = keyOf(entry.path);
      const match = expected.get(key);
      if (entry.kind === 'link' && hides(key, expected)) {
        if (match !== undefined) seen.add(key);
        findings.push({ kind: 'link', path, ...(match?.files[0] && { file: match.files[0] }) });
      } else if (match !== undefined) {
        seen.add(key);
        const { file, finding } = compareSize(root, path, match.files);
        if (finding !== undefined) findings.push(finding);
        if (file !== undefined) present.push(file);
      } else if (entry.kind === 'leftover') findings.push({ kind: 'leftover', path });
      else if (entry.kind !== 'index' && isContentDirectory(entry.path.split('/')[0] ?? ''))
        findings.push({ kind: 'unlisted', path });
    }
  }
  for (const [key, { path, files, isNeeded }] of expected) {
    const [file] = files;
    if (isNeeded && !seen.has(key) && file !== undefined)
      findings.push({ kind: 'missing', path: bases[0] === '' ? path : `${bases[0]}/${path}`, file });
  }
  return { findings, present };
}

/** Whether a link is in the place of an expected file or of a directory of one. */
function hides(link: string, expected: ReadonlyMap<string, Expected>): boolean {
  return expected.has(link) || [...expected.keys()].some((key) => key.startsWith(`${link}/`));
}

/** Compares the size with every expectation; only a file that meets all of them is read. */
function compareSize(
  root: string,
  path: string,
  expected: readonly RepoFile[],
): { readonly file?: Present; readonly finding?: Finding } {
  const location = `${root}/${path}`;
  try {
    const { size } = lstatSync(location);
    const wrong = expected.find(({ sizeBytes }) => sizeBytes !== size);
    if (wrong === undefined) return { file: { path, location, sizeBytes: size, expected } };
    return {
      finding: { kind: 'wrong-size', path, expected: `${wrong.sizeBytes} bytes`, actual: `${size} bytes`, file: wrong },
    };
  } catch (error) {
    // Removed since it was listed.
    if (hasCode(error, 'ENOENT'))
      return { finding: { kind: 'missing', path, ...(expected[0] && { file: expected[0] }) } };
    throw ioError(error, 'read the status of', location);
  }
}

async function hashPresent(
  present: readonly Present[],
  { jobs, signal, onBytes }: AuditOptions,
): Promise<Map<string, FileHash>> {
  const pool = new HashPool(jobs);
  const hashes = new Map<string, FileHash>();
  const tasks = present.map(({ location, sizeBytes, expected }) => ({
    location,
    sizeBytes,
    algorithms: [...new Set(expected.map(algorithmOf))],
  }));
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

/** Compares what was read of a file with every expectation. Returns a verified file for each, or the first that is not
 *  met. */
function compareContent(
  { path, location, expected }: Present,
  hash: FileHash | undefined,
): readonly (VerifiedFile | Finding)[] {
  const verified: VerifiedFile[] = [];
  for (const file of expected) {
    if (hash === undefined || 'errorCode' in hash)
      return [{ kind: 'unreadable', path, actual: hash?.errorCode ?? 'not read', file }];
    const { sizeBytes, digest } = file;
    if (hash.sizeBytes !== sizeBytes)
      return [{ kind: 'wrong-size', path, expected: `${sizeBytes} bytes`, actual: `${hash.sizeBytes} bytes`, file }];
    const hex = hash.digests[algorithmOf(file)] ?? '';
    if (digest !== undefined && hex !== digest.hex)
      return [{ kind: 'damaged', path, expected: shown(digest), actual: shown({ ...digest, hex }), file }];
    verified.push(verifiedFile(file, location));
  }
  return verified;
}

/** Updates the verification cache. It is optional: a repo on a read-only medium has none. */
async function record(
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
    for (const { path, location, expected } of present) {
      const hash = hashes.get(location);
      const [file] = expected;
      if (hash === undefined || 'errorCode' in hash || file === undefined || bad.has(path)) continue;
      const status = { ...hash, size: BigInt(hash.sizeBytes) };
      if (!isSettled(status) || cache.isVerified(path, file, status)) continue;
      const algorithm = algorithmOf(file);
      cache.set(path, { ...status, digest: shown({ algorithm, hex: hash.digests[algorithm] ?? '' }) });
      fresh.push(location);
    }
    // An entry means that the data is on the disk; a killed fetch may not have flushed it.
    if (fresh.length > 0) await makeDurable(root, fresh);
    await cache.save();
  } catch (error) {
    if (!(ioError(error, 'record', root) instanceof CygstrapError)) throw error;
  }
}

function order(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
