import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Conflict } from '../core/resolve/plan.ts';
import { CygstrapError } from '../errors.ts';
import { exists } from '../io/directories.ts';
import { removeIfEmpty } from '../repo/disk/remove-file.ts';
import type { RepoFile } from '../repo/files/file.ts';
import { OWN_INDEXES, ownFile } from '../repo/files/layout.ts';
import type { RepoLayout } from '../repo/files/layout.ts';
import { distinctFiles, longPaths } from '../repo/files/path-conflicts.ts';
import { installerPaths } from '../repo/files/path.ts';
import { requireVerifiable } from '../repo/files/verify-error.ts';
import type { Presence } from '../repo/presence.ts';
import { inspectRepo } from '../repo/repo.ts';
import { Store } from '../repo/store.ts';
import type { VerifiedFile } from '../repo/verified.ts';
import type { SiteSet } from '../site/site-set.ts';
import { cacheDirectoryOf } from './context.ts';
import type { SiteContext } from './context.ts';
import { DEFAULTS } from './defaults.ts';
import { failureOf, fetchFiles } from './fetch-files.ts';
import { publishIndex } from './fetch-publish.ts';
import type { PublishedSummary } from './fetch-publish.ts';
import { completeContext, completeRequest } from './fetch-request.ts';
import type { CompleteContext, CompleteRequest, FetchRequest } from './fetch-request.ts';
import { selectFiles } from './fetch-selection.ts';
import type { IndexContent, Selection } from './fetch-selection.ts';
import { IndexCache } from '../site/index-cache.ts';
import { writeLock } from './lock-file.ts';
import type { IndexedFile } from './repo-files.ts';
import { trustedKeys } from '../trust/verifier.ts';
import { setupCommandOf } from './setup-command.ts';
import type { SetupCommand } from '../core/lock/setup-command.ts';
import { openGroup } from './load-from-sites.ts';
import { requireCurrentSetup } from './windows.ts';

const NOTHING: Presence = { present: [], readFiles: 0, absent: [], damaged: [], clashes: [] };

/** The result of a fetch. */
export interface FetchSummary {
  readonly kind: 'fetched' | 'dry-run';
  readonly repo: string;
  readonly files: number;
  readonly sizeBytes: number;
  readonly presentFiles: number;
  readonly presentBytes: number;
  /** Verified files that were read now, as they arrived or on the disk. */
  readonly readFiles: number;
  /** Verified files that were not read: their size, times, inode and number of links are those of an earlier reading.
   *  */
  readonly unchangedFiles: number;
  /** The lock that was used or written; null without one. */
  readonly lock: string | null;
  /** Whether this fetch wrote the lock. */
  readonly isLockNew: boolean;
  /** Fingerprint or `unsigned`, for each index. */
  readonly signers: readonly string[];
  /** The index that setup reads from the repo; null if none is published. */
  readonly index: PublishedSummary | null;
  /** File name of the setup program; null if it was not requested. */
  readonly installer: string | null;
  /** The call of setup that installs the lock from this repo; null without a lock, or an index that lists all of its
   *  packages. */
  readonly setup: SetupCommand | null;
}

export type FetchResult = FetchSummary | { readonly kind: 'conflict'; readonly conflicts: readonly Conflict[] };

/** Creates or updates a repo for a request or a lock: reads or makes the lock, fetches missing files, verifies every
 *  byte, and publishes the index last. If it is stopped, the same call continues from there. Throws `lock` for the lock
 *  of another request, `windows` for packages or a setup program that do not run on the Windows of the request, `fetch`
 *  with every file that could not be fetched, and the errors of the sites, the repo and the solver. */
export async function fetchRepo(request: FetchRequest, given: SiteContext = {}): Promise<FetchResult> {
  const complete = completeRequest(request);
  const context = completeContext(given);
  const groups: SiteSet[] = [];
  try {
    for (const addresses of complete.groups) groups.push(openGroup(addresses, context, complete));
    return await new Fetch(complete, context, groups).run();
  } finally {
    await Promise.all(groups.map((sites) => sites.close()));
  }
}

/** One fetch; its methods are its steps. */
class Fetch {
  readonly #request: CompleteRequest;
  readonly #context: CompleteContext;
  readonly #groups: readonly SiteSet[];
  readonly #root: string;
  readonly #cache: IndexCache;
  /** Ends the transfers when the index is refused, and the reading of the index when the fetch ends. */
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;

  constructor(request: CompleteRequest, context: CompleteContext, groups: readonly SiteSet[]) {
    this.#request = request;
    this.#context = context;
    this.#groups = groups;
    this.#root = resolve(request.repo);
    this.#cache = new IndexCache(ownFile(this.#root, OWN_INDEXES));
    this.#signal = AbortSignal.any([context.signal, this.#stop.signal]);
  }

  async run(): Promise<FetchResult> {
    const selection = await selectFiles(this.#request, {
      context: this.#context,
      groups: this.#groups,
      cache: this.#cache,
      signal: this.#signal,
    });
    if ('conflicts' in selection) return { kind: 'conflict', conflicts: selection.conflicts };
    try {
      return await this.#fetch(selection);
    } finally {
      this.#stop.abort();
      await Promise.allSettled([selection.content]);
    }
  }

  async #fetch(selection: Selection): Promise<FetchSummary> {
    const files = distinctFiles(selection.files);
    const { lock, layout, dryRun, allowUndigested, installerSite } = this.#request;
    if (selection.lock !== undefined && installerSite === DEFAULTS.installerSite) requireCurrentSetup(selection.lock);
    for (const file of files) requireVerifiable(file, allowUndigested);
    this.#warnOfLongPaths(files);
    const [wasThere, wasOurs] = await Promise.all([exists(this.#root), exists(ownFile(this.#root, ''))]);
    if (dryRun && inspectRepo(this.#root).kind === 'free')
      return this.#planned(selection, files, { ...NOTHING, absent: files });
    const store = await this.#openStore(layout);
    let isChanged = false;
    let refused: readonly RepoFile[] = [];
    try {
      const presence = await store.presence(files, { signal: this.#context.signal });
      this.#requireFree(store, selection, presence);
      const planned = this.#planned(selection, files, presence);
      if (dryRun) return await planned;
      isChanged = true;
      const reading = Promise.all([this.#cached(selection), planned]);
      reading.catch((error: unknown) => {
        if (isRefusal(error)) refused = presence.absent;
        this.#stop.abort(error);
      });
      await store.reserve(files);
      if (selection.isLockNew && selection.lock !== undefined) await writeLock(lock, selection.lock);
      const fetched = await this.#transfer(store, selection, files, presence);
      const [content, summary] = await reading;
      const present = [...presence.present, ...fetched];
      const index = await publishIndex(store, selection, content, present, this.#request, this.#context);
      const installer = await this.#fetchInstaller(store, selection.arch);
      return {
        ...summary,
        kind: 'fetched',
        readFiles: presence.readFiles + fetched.length,
        index,
        installer,
        setup: await this.#setup(selection, content, index),
      };
    } finally {
      if (refused.length > 0) await store.discard(refused);
      await store.close();
      // A dry run or a refusal leaves nothing in the directory of another program.
      if ((!isChanged || refused.length > 0) && !wasOurs)
        await rm(ownFile(this.#root, ''), { recursive: true, force: true });
      if (refused.length > 0 && !wasThere) removeIfEmpty(this.#root);
    }
  }

  /** Returns the content of a selection, with its indexes in the cache. */
  async #cached({ arch, content }: Selection): Promise<IndexContent | undefined> {
    const known = await content;
    for (const [group, original] of (known?.originals ?? []).entries()) await this.#cache.write(arch, group, original);
    return known;
  }

  #openStore(kind: RepoLayout['kind']): Promise<Store> {
    const { allowUndigested } = this.#request;
    const { report, signal } = this.#context;
    const cacheDir = cacheDirectoryOf(this.#context, 'archives');
    const site = this.#groups[0]?.sites[0]?.name ?? '';
    return Store.open(this.#root, kind === 'flat' ? { kind } : { kind, site }, {
      allowUndigested,
      report,
      signal,
      ...(cacheDir === undefined ? {} : { cacheDir }),
    });
  }

  #requireFree(store: Store, { arch, content }: Selection, presence: Presence): void {
    store.requireFree(presence, {
      arch: content === undefined ? undefined : arch,
      named: this.#request.installerSite === undefined ? [] : Object.values(installerPaths(arch)),
    });
  }

  /** Reports what is to fetch, and returns the summary of a dry run. */
  async #planned(
    { lock, isLockNew, content }: Selection,
    files: readonly RepoFile[],
    { present, readFiles }: Presence,
  ): Promise<FetchSummary> {
    const counts = {
      files: files.length,
      sizeBytes: sum(files),
      presentFiles: present.length,
      presentBytes: sum(present),
    };
    this.#context.report({ kind: 'fetch-start', ...counts });
    return {
      kind: 'dry-run',
      repo: this.#request.repo,
      ...counts,
      readFiles,
      unchangedFiles: present.length - readFiles,
      lock: lock === undefined ? null : this.#request.lock,
      isLockNew,
      signers: (await content)?.catalog.signers ?? lock?.indexes.map(({ signer }) => signer) ?? [],
      index: null,
      installer: null,
      setup: null,
    };
  }

  async #transfer(
    store: Store,
    { lock }: Selection,
    files: readonly IndexedFile[],
    { absent, damaged }: Presence,
  ): Promise<readonly VerifiedFile[]> {
    const missing = new Set([...absent, ...damaged].map(({ path }) => path));
    const wanted = files.flatMap((file) => {
      const sites = this.#groups[file.index];
      return missing.has(file.path) && sites !== undefined ? [{ file, sites }] : [];
    });
    const { jobs } = this.#request;
    const { report } = this.#context;
    const outcome = await fetchFiles(store, wanted, { jobs, report, signal: this.#signal });
    if (outcome.failed.length + outcome.untried.length > 0) throw failureOf(outcome, lock?.indexes[0]?.timestamp);
    return outcome.fetched;
  }

  async #fetchInstaller(store: Store, arch: string): Promise<string | null> {
    const { installerSite, keyring } = this.#request;
    if (installerSite === undefined) return null;
    const { signal } = this.#context;
    const { fetchInstaller } = await import('./fetch-installer.ts');
    const sites = openGroup([installerSite], this.#context, this.#request);
    try {
      return await fetchInstaller(store, sites, { arch, keyring: await trustedKeys(keyring), signal });
    } finally {
      await sites.close();
    }
  }

  async #setup(
    { lock }: Selection,
    content: IndexContent | undefined,
    index: PublishedSummary | null,
  ): Promise<SetupCommand | null> {
    if (lock === undefined || content === undefined || index === null) return null;
    const { fullIndex, keyring } = this.#request;
    const signer = fullIndex ? content.catalog.signers[0] : undefined;
    return setupCommandOf(
      lock,
      { records: content.records, signer: index.isSigned ? signer : 'unsigned' },
      { kind: 'directory', path: this.#root },
      { keyring },
    );
  }

  #warnOfLongPaths(files: readonly RepoFile[]): void {
    const long = longPaths(files, '');
    if (long === undefined) return;
    this.#context.report({
      kind: 'warning',
      message:
        `${long.count} paths are too long for a Windows without support for long paths, ` +
        `for example \`${long.longest}\``,
    });
  }
}

/** Whether an index was read and is not accepted; a failure of the network or an interruption is no refusal. */
function isRefusal(error: unknown): boolean {
  return error instanceof CygstrapError && !['fetch', 'io', 'interrupted'].includes(error.code);
}

function sum(files: readonly RepoFile[]): number {
  return files.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
}
