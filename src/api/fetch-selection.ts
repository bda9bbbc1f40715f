import { resolve } from 'node:path';
import { CygstrapError } from '../errors.ts';
import { DEFAULT_ARCH } from '../core/lock/lock.ts';
import type { Lock } from '../core/lock/lock.ts';
import { LockComparison } from '../core/lock/comparison.ts';
import { filesOf } from '../core/lock/files.ts';
import { lockRequestOf } from '../core/lock/make.ts';
import type { Conflict } from '../core/resolve/plan.ts';
import type { PackageRecord } from '../core/setup-ini/records.ts';
import { inspectRepo } from '../repo/repo.ts';
import type { Site } from '../site/base/site.ts';
import type { SiteSet } from '../site/site-set.ts';
import type { CompleteContext, CompleteRequest } from './fetch-request.ts';
import type { IndexCache } from '../site/index-cache.ts';
import { makeLock } from './lock.ts';
import { compareWithRepo, requireAgreement, warnOfUndigested } from './lock-comparison.ts';
import { readLock, requireAnswer } from './lock-file.ts';
import { nothingAsked } from './nothing-asked.ts';
import { filesOfCatalog, filesOfLock, filesOfLockAndPrevious } from './repo-files.ts';
import type { IndexedFile } from './repo-files.ts';
import { findIndexes, verifyAgain } from '../site/index-source.ts';
import { keptIndexes, loadOriginals } from './load-from-sites.ts';
import { newestKnown } from './newest-index.ts';
import { withTrust } from './site-trust.ts';
import { requireWindows } from './windows.ts';
import type { OriginalIndex } from '../site/base/original-index.ts';
import type { SignedCatalog } from './load-from-sites.ts';

/** The files to fetch, and the indexes that list them. */
export interface Selection {
  readonly files: readonly IndexedFile[];
  readonly arch: string;
  /** Undefined: all packages of the index. */
  readonly lock: Lock | undefined;
  readonly isLockNew: boolean;
  /** Undefined: the lock is frozen, and the repo does not have its index. With a lock it can be a promise: a site has
   *  begun to send its index, which is not verified yet; it rejects with the errors of `selectFiles`. */
  readonly content: IndexContent | undefined | Promise<IndexContent>;
}

export interface IndexContent {
  /** One for each group of sites. */
  readonly originals: readonly OriginalIndex[];
  readonly catalog: SignedCatalog;
  readonly records: readonly PackageRecord[];
}

type Conflicting = { readonly conflicts: readonly Conflict[] };

/** For an index and its signature, which are requested at once. */
const INDEX_CONNECTIONS = 2;

export interface SelectOptions {
  readonly context: CompleteContext;
  readonly groups: readonly SiteSet[];
  /** The indexes of the repo. */
  readonly cache: IndexCache;
  /** Ends the reading of an index. */
  readonly signal: AbortSignal;
}

/** Selects the files of a fetch: all of the index, those of the existing lock, or those of a new lock for the request.
 *  Returns the conflicts of a request that has no solution. Throws `not-found` for a frozen lock that does not exist,
 *  `lock` for the lock of another request or one that contradicts the index, `usage`, and the errors of reading indexes
 *  and locks. */
export async function selectFiles(request: CompleteRequest, options: SelectOptions): Promise<Selection | Conflicting> {
  if (request.all) return selectAll(request, options);
  const before = await existingLock(request.lock);
  if (before !== undefined) {
    const { arch = before.request.arch } = request;
    if (request.request !== undefined) requireAnswer(before, lockRequestOf(request.request, arch), request.lock);
    return selectLocked(before, request, options);
  }
  if (!request.frozen) return selectNew(request, options);
  throw new CygstrapError('not-found', `the lock does not exist: \`${request.lock}\`; \`--frozen\` requires it`, {
    hint: 'create it with `cygstrap lock`',
  });
}

async function existingLock(file: string): Promise<Lock | undefined> {
  try {
    return await readLock(file);
  } catch (error) {
    if (error instanceof CygstrapError && error.code === 'not-found') return undefined;
    throw error;
  }
}

async function selectAll(request: CompleteRequest, options: SelectOptions): Promise<Selection> {
  const { arch = DEFAULT_ARCH, prev } = request;
  const content = await loadFromSites(undefined, request, options, (site) => connectAhead(site, request));
  const { catalog } = content.catalog;
  const files = filesOfCatalog(catalog, { prev, source: request.request?.source === true });
  return { files, arch, lock: undefined, isLockNew: false, content };
}

async function selectNew(request: CompleteRequest, options: SelectOptions): Promise<Selection | Conflicting> {
  const { arch = DEFAULT_ARCH, allowUndigested } = request;
  if (request.request === undefined) throw nothingAsked();
  const content = await loadFromSites(undefined, request, options, (site) => connectAhead(site, request));
  const { signal, context } = options;
  const { report } = context;
  const made = await makeLock(content.catalog, request.request, {
    arch,
    report,
    signal,
    solverLimit: request.solverLimit,
    allowUndigested,
  });
  if (made.kind === 'conflict') return made;
  return { ...withPrevious(made.lock, content, request.prev), arch, isLockNew: true };
}

async function selectLocked(lock: Lock, request: CompleteRequest, options: SelectOptions): Promise<Selection> {
  const { arch } = lock.request;
  const { groups, context } = options;
  const named = { file: request.lock, lock };
  warnOfUndigested(named, context.report);
  requireWindows(lock.request.windows, lock);
  if (lock.indexes.length > groups.length) {
    throw new CygstrapError(
      'usage',
      `the lock was made from ${lock.indexes.length} indexes, but sites are given for ${groups.length}`,
      { hint: 'give `--site`, and `--add-site` for each further index, in the same order' },
    );
  }
  const cache = await cachedIndexes(lock, request, options);
  if (cache === undefined && request.frozen) {
    await compareWithRepo(named, resolve(request.repo), context);
    if (request.prev !== undefined)
      throw new CygstrapError('usage', '`--prev` needs an index, and `--frozen` fetches none');
    const files = filesOfLock(lock);
    connectAhead(groups[0]?.sites[0], request, files.length);
    context.report({
      kind: 'warning',
      message:
        'setup finds no packages in the repo: it has no index, and `--frozen` reads none from a site; ' +
        'run `cygstrap fetch` without `--frozen`',
    });
    return { files, arch, lock, isLockNew: false, content: undefined };
  }
  const agreeing = (content: IndexContent): IndexContent => {
    const comparison = new LockComparison(lock);
    comparison.add(content.records);
    requireAgreement(request.lock, comparison, content.originals.map(({ path }) => path).join(', '));
    return content;
  };
  if (cache === undefined && !request.dryRun && request.prev === undefined && isDigested(lock)) {
    const files = filesOfLock(lock);
    connectAhead(groups[0]?.sites[0], request, files.length);
    return { files, arch, lock, isLockNew: false, ...(await begin(lock, request, options, agreeing)) };
  }
  const content = cache === undefined ? await loadFromSites(lock, request, options) : await load(cache, options);
  return { ...withPrevious(lock, agreeing(content), request.prev), arch, isLockNew: false };
}

/** Reads the index of a lock. Returns when a site begins to send it, or when it is read. */
async function begin(
  lock: Lock,
  request: CompleteRequest,
  options: SelectOptions,
  check: (content: IndexContent) => IndexContent,
): Promise<{ readonly content: Promise<IndexContent> }> {
  return new Promise((resolve, reject) => {
    const content = loadFromSites(lock, request, options, () => resolve({ content })).then(check);
    content.then(() => resolve({ content }), reject);
  });
}

/** Opens the connections for the files of a new repo, which lacks all of them. Those of the index are used again. */
function connectAhead(site: Site | undefined, { repo, jobs, dryRun }: CompleteRequest, files = jobs): void {
  if (!dryRun && inspectRepo(resolve(repo)).kind === 'free')
    site?.connectAhead?.(Math.min(jobs, files) - INDEX_CONNECTIONS);
}

function isDigested({ packages }: Lock): boolean {
  return packages.flatMap(filesOf).every(({ sha512, md5 }) => sha512 !== undefined || md5 !== undefined);
}

/** Adds the files of previous versions to those of a lock. */
function withPrevious(
  lock: Lock,
  content: IndexContent,
  prev: number | undefined,
): Omit<Selection, 'arch' | 'isLockNew'> {
  const { catalog } = content.catalog;
  const files = prev === undefined ? filesOfLock(lock) : filesOfLockAndPrevious(lock, catalog, prev);
  return { files, lock, content };
}

/** Returns the indexes that the lock was made from, if the repo has all of them and their signatures are valid for one
 *  of the sites that are given now. */
async function cachedIndexes(
  { indexes, request: { arch } }: Lock,
  request: CompleteRequest,
  { groups, cache }: SelectOptions,
): Promise<OriginalIndex[] | undefined> {
  const trusted = await withTrust(groups, request.groups, request);
  const found: OriginalIndex[] = [];
  for (const [group, { sha512, signer }] of indexes.entries()) {
    const index = await cache.read(arch, group);
    if (index === undefined || index.sha512 !== sha512) return undefined;
    let verified: OriginalIndex | undefined;
    for (const { verify } of trusted[group]?.trusts ?? [])
      verified ??= await verifyAgain(index, { verify, unsigned: signer === 'unsigned' });
    if (verified === undefined) return undefined;
    found.push(verified);
  }
  return found;
}

async function loadFromSites(
  lock: Lock | undefined,
  request: CompleteRequest,
  options: SelectOptions,
  onSending?: (site: Site) => void,
): Promise<IndexContent> {
  const { groups, cache, context, signal } = options;
  const { arch = DEFAULT_ARCH } = lock?.request ?? request;
  const { report, now } = context;
  const newest = request.allowOlderIndex ? [] : await newestKnown(lock, request.repo);
  const trusted = await withTrust(groups, request.groups, request);
  const kept = request.offline ? { cache: await newerIndexes(arch, request, options), keepMs: Infinity } : { cache };
  return load(await findIndexes(trusted, { arch, newest, report, ...kept, onSending, now, signal }), options);
}

/** Returns the indexes to use without network: those of the repo, or those that other commands have kept since. */
async function newerIndexes(
  arch: string,
  { groups }: CompleteRequest,
  { cache, context }: SelectOptions,
): Promise<IndexCache> {
  const kept = keptIndexes(groups, context);
  const [ownMs = -Infinity, keptMs = -Infinity] = await Promise.all([
    cache.confirmedMs(arch, 0),
    kept?.confirmedMs(arch, 0),
  ]);
  return kept !== undefined && keptMs > ownMs ? kept : cache;
}

async function load(originals: readonly OriginalIndex[], { context, signal }: SelectOptions): Promise<IndexContent> {
  const records: PackageRecord[] = [];
  const catalog = await loadOriginals(originals, { ...context, signal }, (some) => records.push(...some));
  return { originals, catalog, records };
}
