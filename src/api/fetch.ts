import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CygstrapError } from '../errors.ts';
import { DEFAULT_ARCH } from '../core/lock/lock.ts';
import type { Lock, LockedFile } from '../core/lock/lock.ts';
import { lockRequestOf } from '../core/lock/make.ts';
import { distinctFiles, longPaths } from '../repo/files/path-conflicts.ts';
import type { RepoFile } from '../repo/files/file.ts';
import { OWN_INDEXES, ownFile } from '../repo/files/layout.ts';
import type { RepoLayout } from '../repo/files/layout.ts';
import { publishFull, publishSubset } from '../repo/publish.ts';
import { inspectRepo } from '../repo/repo.ts';
import { Store } from '../repo/store.ts';
import type { Presence } from '../repo/presence.ts';
import { subsetIndex } from '../repo/subset.ts';
import type { SubsetIndex } from '../repo/subset.ts';
import type { VerifiedFile } from '../repo/verified.ts';
import { requireVerifiable } from '../repo/files/verify-error.ts';
import type { Conflict } from '../core/resolve/plan.ts';
import type { PackageRecord } from '../core/setup-ini/records.ts';
import type { SiteSet } from '../site/site-set.ts';
import { failureOf, fetchFiles } from './fetch-files.ts';
import { completeContext, completeRequest } from './fetch-request.ts';
import type { CompleteContext, CompleteRequest, FetchContext, FetchRequest } from './fetch-request.ts';
import { KeptIndexes } from './kept-index.ts';
import { makeLock } from './lock.ts';
import { readLock, requireAnswer, writeLock } from './lock-file.ts';
import { filesOfCatalog, filesOfLock, previousFiles } from './repo-files.ts';
import type { IndexedFile } from './repo-files.ts';
import { findIndexes, loadOriginals, openGroup, trustedKeys, verifiedAgain, verifierOf } from './site-index.ts';
import type { OriginalIndex, SignedCatalog } from './site-index.ts';

/** What a fetch came to. */
export interface FetchSummary {
  readonly kind: 'fetched' | 'dry-run';
  readonly repo: string;
  readonly files: number;
  readonly sizeBytes: number;
  readonly presentFiles: number;
  readonly presentBytes: number;
  /** The lock that was used or written; null without one. */
  readonly lock: string | null;
  /** Whether the lock was made, or made anew, by this. */
  readonly isLockNew: boolean;
  /** Fingerprints, or `unsigned`, one for each index. */
  readonly signers: readonly string[];
  /** The index that setup reads from the repo; null when there is none to publish. */
  readonly index: { readonly packages: number; readonly isSigned: boolean } | null;
  /** The file name of the setup program that was fetched. */
  readonly installer: string | null;
}

export type FetchResult = FetchSummary | { readonly kind: 'conflict'; readonly conflicts: readonly Conflict[] };

/** What is to be fetched, and what an index for it is made from. */
interface Selection {
  readonly files: readonly IndexedFile[];
  readonly arch: string;
  readonly lock: Lock | undefined;
  readonly isLockNew: boolean;
  readonly signers: readonly string[];
  /** Undefined: frozen, and the index of the lock is not at hand. */
  readonly content: IndexContent | undefined;
}

interface IndexContent {
  readonly originals: readonly OriginalIndex[];
  readonly catalog: SignedCatalog;
  readonly records: readonly PackageRecord[];
}

/** Makes a directory the repo that a request or a lock needs: looks up or makes the lock, fetches what is missing, verifies every
 *  byte, and publishes the index last. Stopped at any moment, the same call goes on from there. Throws `lock` for a lock of another
 *  request, `fetch` with every file that could not be had, and what the rooms below throw. */
export async function fetchRepo(request: FetchRequest, given: FetchContext = {}): Promise<FetchResult> {
  const context = completeContext(given);
  const groups: SiteSet[] = [];
  try {
    for (const addresses of request.sites) groups.push(openGroup(addresses, context.siteOptions, context.report));
    return await new Fetch(completeRequest(request), context, groups).run();
  } finally {
    await Promise.all(groups.map((sites) => sites.close()));
  }
}

/** One fetch; its methods are the steps. */
class Fetch {
  readonly #request: CompleteRequest;
  readonly #context: CompleteContext;
  readonly #groups: readonly SiteSet[];
  readonly #root: string;
  readonly #kept: KeptIndexes;

  constructor(request: CompleteRequest, context: CompleteContext, groups: readonly SiteSet[]) {
    this.#request = request;
    this.#context = context;
    this.#groups = groups;
    this.#root = resolve(request.repo);
    this.#kept = new KeptIndexes(ownFile(this.#root, OWN_INDEXES));
  }

  async run(): Promise<FetchResult> {
    const selection = await this.#select();
    if ('conflicts' in selection) return { kind: 'conflict', conflicts: selection.conflicts };
    const files = distinctFiles(selection.files);
    const { lock, layout, dryRun, allowUndigested } = this.#request;
    for (const file of files) requireVerifiable(file, allowUndigested);
    this.#warnOfLongPaths(files);
    const wasOurs = existsSync(ownFile(this.#root, ''));
    if (dryRun && inspectRepo(this.#root).kind === 'free')
      return this.#planned(selection, files, { present: [], absent: files, damaged: [] });
    const store = await this.#openStore(layout);
    try {
      const presence = await store.presence(files, { signal: this.#context.signal });
      const planned = this.#planned(selection, files, presence);
      if (dryRun) return planned;
      if (selection.isLockNew && selection.lock !== undefined) await writeLock(lock, selection.lock);
      for (const [group, original] of (selection.content?.originals ?? []).entries())
        await this.#kept.keep(selection.arch, group, original);
      const fetched = await this.#transfer(store, files, presence);
      const index = await this.#publish(store, selection, [...presence.present, ...fetched]);
      const installer = await this.#fetchInstaller(store, selection.arch);
      return { ...planned, kind: 'fetched', index, installer };
    } finally {
      await store.close();
      // A look at a download directory of setup leaves nothing there.
      if (dryRun && !wasOurs) await rm(ownFile(this.#root, ''), { recursive: true, force: true });
    }
  }

  async #select(): Promise<Selection | { readonly conflicts: readonly Conflict[] }> {
    const { all, frozen, lock: file, request, arch } = this.#request;
    if (all) return this.#selectAll();
    const before = await this.#lockThere();
    if (before === undefined) {
      if (frozen)
        throw new CygstrapError('not-found', `there is no lock to be frozen to: \`${file}\``, {
          hint: 'make it with `cygstrap lock`',
        });
      return this.#selectAnew();
    }
    if (request !== undefined) requireAnswer(before, lockRequestOf(request, arch ?? before.request.arch), file);
    return this.#selectLocked(before);
  }

  async #lockThere(): Promise<Lock | undefined> {
    try {
      return await readLock(this.#request.lock);
    } catch (error) {
      if (error instanceof CygstrapError && error.code === 'not-found') return undefined;
      throw error;
    }
  }

  async #selectAll(): Promise<Selection> {
    const { arch = DEFAULT_ARCH, request, prev } = this.#request;
    const content = await this.#loadFromSites(arch);
    const { loaded, signers } = content.catalog;
    const files = filesOfCatalog(loaded.catalog, { prev, source: request?.source === true });
    return { files, arch, lock: undefined, isLockNew: false, signers, content };
  }

  async #selectAnew(): Promise<Selection | { readonly conflicts: readonly Conflict[] }> {
    const { arch = DEFAULT_ARCH, request, allowUndigested } = this.#request;
    if (request === undefined) {
      throw new CygstrapError('usage', 'nothing is asked for: no packages, no project file and no lock', {
        hint: 'name packages, or make a lock with `cygstrap lock`',
      });
    }
    const content = await this.#loadFromSites(arch);
    const { report, resolver } = this.#context;
    const made = makeLock(content.catalog, request, { arch, resolver, report, allowUndigested });
    if (made.kind === 'conflict') return made;
    return { ...this.#withPrevious(made.lock, content), arch, isLockNew: true };
  }

  async #selectLocked(lock: Lock): Promise<Selection> {
    const { arch } = lock.request;
    if (lock.indexes.length > this.#groups.length) {
      throw new CygstrapError(
        'usage',
        `the lock was made from ${lock.indexes.length} indexes, and sites are given for ${this.#groups.length}`,
        { hint: 'give `--site`, and `--add-site` for each further index, in the same order' },
      );
    }
    const kept = await this.#keptOf(lock);
    if (kept === undefined && this.#request.frozen) {
      this.#context.report({
        kind: 'note',
        message: 'the index of the lock is not in the repo, and --frozen asks for none: no index is published',
      });
      if (this.#request.prev !== undefined)
        throw new CygstrapError('usage', '--prev needs an index, and --frozen asks for none');
      return {
        files: filesOfLock(lock),
        arch,
        lock,
        isLockNew: false,
        signers: lock.indexes.map(({ signer }) => signer),
        content: undefined,
      };
    }
    const content = kept === undefined ? await this.#loadFromSites(arch) : await this.#load(kept);
    return { ...this.#withPrevious(lock, content), arch, isLockNew: false };
  }

  #withPrevious(lock: Lock, content: IndexContent): Omit<Selection, 'arch' | 'isLockNew'> {
    const { prev } = this.#request;
    const { loaded, signers } = content.catalog;
    const previous = prev === undefined ? [] : previousFiles(loaded.catalog, lock, prev, lock.request.source);
    return { files: [...filesOfLock(lock), ...previous], lock, signers, content };
  }

  /** The very indexes the lock was made from, when the repo has them all. */
  async #keptOf({ indexes, request: { arch } }: Lock): Promise<OriginalIndex[] | undefined> {
    const verify = await verifierOf(this.#request.keyring);
    const found: OriginalIndex[] = [];
    for (const [group, { sha512, signer }] of indexes.entries()) {
      const kept = await this.#kept.read(arch, group);
      if (kept === undefined || kept.sha512 !== sha512) return undefined;
      const verified = await verifiedAgain(kept, verify, signer === 'unsigned');
      if (verified === undefined) return undefined;
      found.push(verified);
    }
    return found;
  }

  async #loadFromSites(arch: string): Promise<IndexContent> {
    const { unsigned, keyring } = this.#request;
    const { report, signal } = this.#context;
    return this.#load(
      await findIndexes(this.#groups, {
        arch,
        verify: await verifierOf(keyring),
        unsigned,
        report,
        kept: this.#kept,
        signal,
      }),
    );
  }

  async #load(originals: readonly OriginalIndex[]): Promise<IndexContent> {
    const records: PackageRecord[] = [];
    const catalog = await loadOriginals(originals, this.#context.load, (some) => records.push(...some));
    return { originals, catalog, records };
  }

  #openStore(kind: RepoLayout['kind']): Promise<Store> {
    const { allowUndigested } = this.#request;
    const { archiveCache, report, signal } = this.#context;
    const site = this.#groups[0]?.sites[0]?.name ?? '';
    return Store.open(this.#root, kind === 'flat' ? { kind } : { kind, site }, {
      allowUndigested,
      report,
      signal,
      ...(archiveCache === undefined ? {} : { cacheDir: archiveCache }),
    });
  }

  #planned(selection: Selection, files: readonly RepoFile[], { present }: Presence): FetchSummary {
    const counts = {
      files: files.length,
      sizeBytes: sum(files),
      presentFiles: present.length,
      presentBytes: sum(present),
    };
    this.#context.report({ kind: 'fetch-start', ...counts });
    const { lock, isLockNew, signers } = selection;
    return {
      kind: 'dry-run',
      repo: this.#request.repo,
      ...counts,
      lock: lock === undefined ? null : this.#request.lock,
      isLockNew,
      signers,
      index: null,
      installer: null,
    };
  }

  async #transfer(
    store: Store,
    files: readonly IndexedFile[],
    { absent, damaged }: Presence,
  ): Promise<readonly VerifiedFile[]> {
    const missing = new Set([...absent, ...damaged].map(({ path }) => path));
    const wanted = files.flatMap((file) => {
      const sites = this.#groups[file.index];
      return missing.has(file.path) && sites !== undefined ? [{ file, sites }] : [];
    });
    const { jobs } = this.#request;
    const { report, signal } = this.#context;
    const outcome = await fetchFiles(store, wanted, { jobs, report, signal });
    if (outcome.failed.length + outcome.untried.length > 0) throw failureOf(outcome);
    return outcome.fetched;
  }

  /** Publishes the index of what the repo has now, or of everything the site has. */
  async #publish(
    store: Store,
    { content, arch, lock }: Selection,
    files: readonly VerifiedFile[],
  ): Promise<FetchSummary['index']> {
    if (content === undefined) return null;
    const { fullIndex, signKey, passphrase } = this.#request;
    if (lock !== undefined) this.#warnOfUnlisted(lock, content);
    const [original] = content.originals;
    if (fullIndex && original !== undefined) {
      await publishFull(store, arch, original);
      return { packages: content.catalog.loaded.catalog.packages.size, isSigned: original.signature !== undefined };
    }
    // While the disk takes what came, the index is put together.
    const [, index] = await Promise.all([store.sync(), subsetOf(content, files)]);
    const sign =
      signKey === undefined
        ? undefined
        : async (bytes: Uint8Array): Promise<Uint8Array> => this.#sign(bytes, signKey, passphrase);
    const { isSigned } = await publishSubset(store, arch, index, sign);
    return { packages: index.packages, isSigned };
  }

  async #fetchInstaller(store: Store, arch: string): Promise<string | null> {
    const { installerSite, keyring } = this.#request;
    if (installerSite === undefined) return null;
    const { siteOptions, report, signal } = this.#context;
    const { fetchInstaller } = await import('./fetch-installer.ts');
    const sites = openGroup([installerSite], siteOptions, report);
    try {
      return await fetchInstaller(store, sites, { arch, keyring: await trustedKeys(keyring), signal });
    } finally {
      await sites.close();
    }
  }

  async #sign(bytes: Uint8Array, keyFile: string, passphrase: string | undefined): Promise<Uint8Array> {
    const { signDetached } = await import('../trust/sign.ts');
    const { signature, warnings } = await signDetached(bytes, keyFile, passphrase);
    for (const message of warnings) this.#context.report({ kind: 'warning', message });
    return signature;
  }

  #warnOfUnlisted({ packages, indexes }: Lock, { records, catalog }: IndexContent): void {
    const listed = new Set(
      records.flatMap(({ versions }) =>
        versions.flatMap(({ install }) =>
          install === undefined ? [] : contentsOf({ ...install, size: install.sizeBytes }),
        ),
      ),
    );
    const unlisted = packages
      .filter((pkg) => !contentsOf(pkg).some((content) => listed.has(content)))
      .map(({ name, version }) => `\`${name} ${version}\``);
    if (unlisted.length > 0) {
      const message = `the index of today does not list ${unlisted.join(', ')} as locked: the repo has the archives, but setup will not see them; \`cygstrap lock --update\` moves the lock on`;
      this.#context.report({ kind: 'warning', message });
    }
    const isOther = indexes.some(({ sha512 }, i) => sha512 !== catalog.loaded.indexes[i]?.sha512);
    if (this.#request.fullIndex && isOther) {
      this.#context.report({
        kind: 'warning',
        message:
          'the index of the site is another one than that of the lock: setup may choose versions that the repo does not have',
      });
    }
  }

  #warnOfLongPaths(files: readonly RepoFile[]): void {
    const long = longPaths(files, '');
    if (long === undefined) return;
    this.#context.report({
      kind: 'warning',
      message: `${long.count} paths are too long for a Windows without long paths, such as \`${long.longest}\``,
    });
  }
}

async function subsetOf({ catalog, records }: IndexContent, files: readonly VerifiedFile[]): Promise<SubsetIndex> {
  return subsetIndex({ header: catalog.loaded.catalog.headers[0] ?? {}, records, files });
}

/** A file as text, once for each of its digests; equal texts are equal promises. */
function contentsOf({ path, size, sha512, md5 }: LockedFile): string[] {
  const digests = [sha512, md5].filter((digest) => digest !== undefined);
  return (digests.length === 0 ? [''] : digests).map((digest) => `${path} ${size} ${digest}`);
}

function sum(files: readonly RepoFile[]): number {
  return files.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
}
