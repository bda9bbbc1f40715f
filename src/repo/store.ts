import { rmSync } from 'node:fs';
import { CygstrapError } from '../errors.ts';
import type { Report } from '../events.ts';
import { replaceFile } from '../io/atomic-file.ts';
import type { Lock } from '../io/lock-file.ts';
import { ioError } from '../io/system-error.ts';
import { ArchiveCache } from './archive-cache.ts';
import { Directories } from './disk/directories.ts';
import { makeDurable } from './disk/durable.ts';
import { HashPool } from './disk/hash-pool.ts';
import { discardPart } from './disk/part-file.ts';
import { receive } from './disk/receive.ts';
import { removeFile, removeIfEmpty } from './disk/remove-file.ts';
import type { ReadOptions } from './disk/receive.ts';
import { clashError } from './files/clashes.ts';
import type { RepoFile, RepoPath } from './files/file.ts';
import type { PlacedFiles } from './disk/placed-files.ts';
import { makeDirectory } from '../io/directories.ts';
import { indexClashes, namedClashes } from './obstacles.ts';
import { OWN_SUFFIXES, PART_CACHED_SUFFIX, keyOf, locate, ownFile, placesOf } from './files/layout.ts';
import type { RepoLayout, RepoPlaces } from './files/layout.ts';
import { isSameContent } from './files/path-conflicts.ts';
import { findPresent } from './presence.ts';
import type { Presence } from './presence.ts';
import { claimRepo } from './claim.ts';
import { requireLayout } from './repo.ts';
import { lockRepo } from './repo-lock.ts';
import type { OpenSource } from './files/source.ts';
import { isOwnSettled, isSettled, statusSince } from './disk/file-status.ts';
import { VerificationCache } from './verification-cache.ts';
import type { FileStatus } from './disk/file-status.ts';
import { requireVerifiable, shown } from './files/verify-error.ts';
import { verifiedFile } from './verified.ts';
import type { VerifiedFile } from './verified.ts';

export interface StoreOptions {
  /** Whether a file without a digest is verified by its size alone. */
  readonly allowUndigested?: boolean;
  /** Directory of the archive cache that repos share; without it there is no cache. */
  readonly cacheDir?: string;
  /** Threads that hash existing files; the default is one for each processor. */
  readonly jobs?: number;
  readonly report?: Report;
  readonly signal?: AbortSignal;
}

/** A verified file that is perhaps not flushed to the disk. */
interface Unflushed {
  readonly file: VerifiedFile;
  /** Undefined if it cannot be recorded as verified: a later change could leave it equal. */
  readonly status: FileStatus | undefined;
  readonly digest: string;
}

/** Further files that a run writes. */
export interface OtherTargets {
  /** The architecture whose index is published. */
  readonly arch?: string | undefined;
  /** Files with names of cygstrap, such as the setup program. */
  readonly named?: readonly RepoPath[];
}

/** The only place where bytes become verified files of a repo. Holds the lock of the repo until it is closed; another
 *  process waits for it. `put` and `presence` may run concurrently. */
export class Store {
  readonly places: RepoPlaces;
  readonly #options: StoreOptions;
  readonly #report: Report;
  readonly #verified: VerificationCache;
  readonly #placed: PlacedFiles;
  readonly #lock: Lock;
  readonly #pool: HashPool;
  readonly #archives: ArchiveCache | undefined;
  readonly #directories: Directories;
  readonly #puts = new Map<string, { readonly file: RepoFile; readonly done: Promise<VerifiedFile> }>();
  /** Verified, but perhaps not flushed to the disk. */
  #unflushed: Unflushed[] = [];
  #syncing: Promise<void> = Promise.resolve();
  #hasWarnedOfMd5 = false;

  private constructor(places: RepoPlaces, options: StoreOptions, lock: Lock, placed: PlacedFiles) {
    this.places = places;
    this.#options = options;
    this.#report = options.report ?? (() => {});
    this.#lock = lock;
    this.#placed = placed;
    this.#directories = new Directories(places.root);
    this.#verified = VerificationCache.read(places.root);
    this.#pool = new HashPool(options.jobs);
    this.#archives =
      options.cacheDir === undefined ? undefined : new ArchiveCache(options.cacheDir, this.#pool, this.#report);
  }

  /** Creates or adopts the repo at `root` (absolute) and waits for its lock; reports a note while another process holds
   *  it. Throws `repo` for a directory that cannot be a repo, `io`, and the reason of the signal. */
  static async open(root: string, layout: RepoLayout, options: StoreOptions = {}): Promise<Store> {
    const before = requireLayout(root, layout.kind);
    if (before.kind === 'flat' || before.kind === 'site') {
      options.report?.({
        kind: 'note',
        message:
          `\`${root}\` is a download directory of setup: its files are verified before use; \`cygstrap ` +
          `verify\` lists stale files`,
      });
    }
    await createOwnDirectory(root);
    const lock = await lockRepo(root, options);
    try {
      return new Store(placesOf(root, layout), options, lock, await claimRepo(root, layout.kind));
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /** Throws `repo` with everything that is in the way: of the absent and damaged files of `presence`, of the index of
   *  an architecture, and of files with names of cygstrap. Changes nothing. */
  requireFree({ clashes }: Pick<Presence, 'clashes'>, { arch, named = [] }: OtherTargets = {}): void {
    const all = [
      ...clashes,
      ...(arch === undefined ? [] : indexClashes(this.places, arch, this.#placed)),
      ...namedClashes(this.places, named, this.#placed),
    ];
    if (all.length > 0) throw clashError(this.places.root, all);
  }

  /** Records on the disk that files are placed by cygstrap, before the first of them is: after a stop at any moment the
   *  next run may replace them. Call `requireFree` before it. Throws `io`. */
  async reserve(files: readonly Pick<RepoFile, 'path'>[]): Promise<void> {
    await this.#placed.add(files.map((file) => keyOf(this.places, file)));
  }

  /** The same for the files of an index. Throws `repo` for other files in their place, and `io`. */
  async reserveIndex(arch: string, names: readonly string[]): Promise<void> {
    this.requireFree({ clashes: [] }, { arch });
    const { base } = this.places;
    await this.#placed.add(names.map((name) => (base === '' ? `${arch}/${name}` : `${base}/${arch}/${name}`)));
  }

  /** Stores one file: from the archive cache if it is there, otherwise from `openSource`; see `receive`. One attempt:
   *  after a failure the target is unchanged. A file that is not placed is reserved, if its target is free. Concurrent
   *  puts of one file share one source. The file is durable after `sync`. Throws VerifyError; `repo`; `io`, for example
   *  for a full disk; errors of the source; the reason of the signal. */
  async put(file: RepoFile, openSource: OpenSource, options: ReadOptions = {}): Promise<VerifiedFile> {
    requireVerifiable(file, this.#options.allowUndigested === true);
    const running = this.#puts.get(file.path);
    if (running !== undefined) {
      if (isSameContent(running.file, file)) return running.done;
      throw new CygstrapError('repo', `\`${file.path}\` is requested with two contents`, {
        details: { path: file.path },
      });
    }
    const done = this.#put(file, openSource, options);
    this.#puts.set(file.path, { file, done });
    try {
      return await done;
    } finally {
      this.#puts.delete(file.path);
    }
  }

  /** Finds which files exist with the expected size and content. Reads those that were not verified before or have
   *  changed since; `onBytes` counts the bytes read. Each list has the order of `files`, each path once. Throws `io`
   *  and the reason of the signal. */
  async presence(files: readonly RepoFile[], options: ReadOptions = {}): Promise<Presence> {
    return findPresent(files, {
      places: this.places,
      pool: this.#pool,
      verified: this.#verified,
      placed: this.#placed,
      allowUndigested: this.#options.allowUndigested === true,
      onVerified: (file, status, digest) =>
        this.#unflushed.push({ file, status: isSettled(status) ? status : undefined, digest }),
      ...options,
    });
  }

  /** Deletes files that were stored, or begun, since the repo was opened, and directories that become empty. Throws
   *  `io`. */
  async discard(files: readonly RepoFile[]): Promise<void> {
    const keys = files.map((file) => keyOf(this.places, file));
    for (const key of keys) for (const suffix of ['', ...OWN_SUFFIXES]) removeFile(this.places.root, `${key}${suffix}`);
    for (const top of new Set(keys.map((key) => key.split('/', 1)[0]))) removeIfEmpty(`${this.places.root}/${top}`);
    const paths = new Set(files.map(({ path }) => path));
    this.#unflushed = this.#unflushed.filter(({ file }) => !paths.has(file.path));
    for (const key of keys) this.#verified.delete(key);
    await this.#placed.remove(keys);
  }

  /** Flushes everything stored so far to the disk at once, and records it as verified. Call it before publishing an
   *  index that lists the files. Throws `io`. */
  async sync(): Promise<void> {
    // One after the other: a call returns only when the files of an earlier call are durable, too.
    const running = this.#syncing.then(() => this.#syncNow());
    this.#syncing = running.catch(() => undefined);
    return running;
  }

  async #syncNow(): Promise<void> {
    const unflushed = this.#unflushed;
    this.#unflushed = [];
    try {
      await makeDurable(
        this.places.root,
        unflushed.map(({ file }) => file.location),
      );
    } catch (error) {
      this.#unflushed = [...unflushed, ...this.#unflushed];
      throw ioError(error, 'flush', this.places.root);
    }
    for (const { file, status, digest } of unflushed)
      if (status !== undefined) this.#verified.set(keyOf(this.places, file), { ...status, digest });
    await this.#verified.save();
  }

  /** Syncs, and releases the lock. Call no method after it. */
  async close(): Promise<void> {
    try {
      await this.sync();
    } finally {
      await this.#pool.close();
      await this.#lock.release();
    }
  }

  async #put(file: RepoFile, openSource: OpenSource, options: ReadOptions): Promise<VerifiedFile> {
    const location = locate(this.places, file.path);
    try {
      options.signal?.throwIfAborted();
      if (!this.#placed.has(keyOf(this.places, file))) await this.#admit(file, options);
      const cached = await this.#putCached(file, location);
      const verified = cached ?? (await this.#receive(file, location, openSource, options));
      if (file.digest?.algorithm === 'md5') this.#warnOfMd5(file);
      return verified;
    } catch (error) {
      throw ioError(error, 'store', location);
    }
  }

  async #admit(file: RepoFile, options: ReadOptions): Promise<void> {
    this.requireFree(await this.presence([file], options));
    await this.reserve([file]);
  }

  async #receive(
    file: RepoFile,
    location: string,
    openSource: OpenSource,
    options: ReadOptions,
  ): Promise<VerifiedFile> {
    const { digest, status } = await receive(file, location, openSource, {
      directories: this.#directories,
      ...options,
    });
    const verified = verifiedFile(file, location);
    await this.#archives?.add(file, location);
    this.#addOwn(verified, status, shown(digest));
    return verified;
  }

  /** Links or copies a file from the archive cache. The temporary name is never one that is opened for writing: it can
   *  be a hard link to the cache entry. */
  async #putCached(file: RepoFile, location: string): Promise<VerifiedFile | undefined> {
    if (file.digest === undefined || this.#archives === undefined) return undefined;
    await this.#directories.createFor(location);
    const temporary = `${location}${PART_CACHED_SUFFIX}`;
    rmSync(temporary, { force: true });
    const status = await this.#archives.take(file, temporary);
    if (status === undefined) return undefined;
    discardPart(location);
    await replaceFile(temporary, location);
    // The rename does nothing if both names are links to one file.
    rmSync(temporary, { force: true });
    const verified = verifiedFile(file, location);
    this.#addOwn(verified, status, shown(file.digest));
    return verified;
  }

  /** Notes a file that this process has just put in its place; `before` is its status when it was hashed. */
  #addOwn(file: VerifiedFile, before: FileStatus, digest: string): void {
    const status = statusSince(before, file.location);
    this.#unflushed.push({ file, status: status !== undefined && isOwnSettled(status) ? status : undefined, digest });
  }

  #warnOfMd5({ path }: RepoFile): void {
    if (this.#hasWarnedOfMd5) return;
    this.#hasWarnedOfMd5 = true;
    this.#report({
      kind: 'warning',
      message: `the index has no SHA-512 for some files, such as \`${path}\`; MD5 detects damage, but not forgery`,
    });
  }
}

async function createOwnDirectory(root: string): Promise<void> {
  try {
    await makeDirectory(ownFile(root, ''));
  } catch (error) {
    throw ioError(error, 'create a repo in', root);
  }
}
