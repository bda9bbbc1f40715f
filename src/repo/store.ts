import { renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { CygstrapError } from '../errors.ts';
import type { Report } from '../events.ts';
import { ArchiveCache } from './archive-cache.ts';
import { isSameContent } from './clashes.ts';
import { Blocks, SMALL_BLOCK_BYTES } from './disk/blocks.ts';
import { Directories } from './disk/directories.ts';
import { makeDurable } from './disk/durable.ts';
import { ioError, hasCode } from '../io/system-error.ts';
import { guarded } from './disk/guard.ts';
import type { GuardOptions } from './disk/guard.ts';
import { DiskPool } from './disk/disk-pool.ts';
import { receiveLarge } from './disk/large-file.ts';
import { discardPart, discardPartFacts } from './disk/part-file.ts';
import { acquireLock } from '../io/lock-file.ts';
import { SMALL_BYTES, fill, placeSmall } from './disk/small-file.ts';
import type { RepoFile } from './file.ts';
import { LOCK_NAME, PART_CACHED_SUFFIX, PART_SUFFIX, locate, ownFile, placesOf } from './layout.ts';
import type { RepoLayout, RepoPlaces } from './layout.ts';
import { claimRepo } from './repo.ts';
import type { OpenSource } from './source.ts';
import { SETTLED_MS, Stamps } from './stamps.ts';
import type { Looks } from './stamps.ts';
import { refuseUnverifiable, shown, wrongSize } from './verify-error.ts';
import { verifiedFile } from './verified.ts';
import type { VerifiedFile } from './verified.ts';

export interface StoreOptions {
  /** Whether a file without any digest is taken on its size alone. */
  readonly allowUndigested?: boolean;
  /** Where archives are shared between repos; none: they are not. */
  readonly cacheDir?: string;
  /** Threads that hash; by default one for each processor. */
  readonly jobs?: number;
  readonly report?: Report;
  readonly signal?: AbortSignal;
}

export interface PutOptions extends GuardOptions {
  /** Called when a file of few kilobytes has come whole, and only needs to be checked and written. */
  readonly onReceived?: (() => void) | undefined;
}

/** What is there of a list of files. */
export interface Presence {
  readonly present: readonly VerifiedFile[];
  readonly absent: readonly RepoFile[];
  /** There, but of another size or content, or not readable; `put` replaces them. */
  readonly damaged: readonly RepoFile[];
}

/** A few milliseconds, more where the disk has to be asked; signals are heard between them. */
const STATS_IN_ONE_TURN = 256;

/** The one place where bytes become verified files of a repo. Has the lock of the repo until it is closed; another process
 *  waits for it. `put` and `presence` may run side by side. */
export class Store {
  readonly places: RepoPlaces;
  readonly #options: StoreOptions;
  readonly #report: Report;
  readonly #stamps: Stamps;
  readonly #lock: { release(): Promise<void> };
  readonly #pool: DiskPool;
  readonly #cache: ArchiveCache | undefined;
  readonly #blocks = new Blocks();
  readonly #directories = new Directories();
  readonly #puts = new Map<string, { readonly file: RepoFile; readonly done: Promise<VerifiedFile> }>();
  /** In place and verified, but perhaps not on disk yet. */
  #fresh: {
    readonly file: VerifiedFile;
    readonly looks: Looks;
    readonly proof: string;
    readonly isSettled: boolean;
  }[] = [];
  #syncing: Promise<void> = Promise.resolve();
  #hasToldOfMd5 = false;

  private constructor(places: RepoPlaces, options: StoreOptions, lock: { release(): Promise<void> }) {
    this.places = places;
    this.#options = options;
    this.#report = options.report ?? (() => {});
    this.#lock = lock;
    this.#stamps = Stamps.read(places.root);
    this.#pool = new DiskPool(options.jobs);
    this.#cache =
      options.cacheDir === undefined ? undefined : new ArchiveCache(options.cacheDir, this.#pool, this.#report);
  }

  /** Makes or takes over the repo at `root` (absolute) and waits for its lock, with a note when another process has it.
   *  Throws `repo` for a directory that cannot be one, `io`, and the signal's reason. */
  static async open(root: string, layout: RepoLayout, options: StoreOptions = {}): Promise<Store> {
    const before = claimRepo(root, layout.kind);
    if (before.kind === 'flat' || before.kind === 'site') {
      options.report?.({
        kind: 'note',
        message: `\`${root}\` is a download directory of setup: its files are checked before they count, and \`cygstrap verify\` lists what is stale in it`,
      });
    }
    const lock = await acquireLock(ownFile(root, LOCK_NAME), {
      signal: options.signal,
      onWait: (holder) =>
        options.report?.({
          kind: 'note',
          message: `waiting for ${holder === undefined ? 'another process' : `process ${holder.pid} on ${holder.host}`}, which is changing \`${root}\``,
        }),
    });
    try {
      return new Store(placesOf(root, layout), options, lock);
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /** Stores one file: what `openSource` opens goes into a file beside the target, is counted and hashed on the way, compared
   *  with size and digest, and renamed. One attempt: after a failure the target is as it was, a part of a large file is kept for
   *  the next `put`, and wrong bytes are gone. A file in the shared cache is taken from there, without a source. Puts of one file
   *  at the same time share one source. The file is durable after `sync`.
   *  Throws VerifyError; `io` for a full disk and the like; what the source throws; the signal's reason. */
  async put(file: RepoFile, openSource: OpenSource, options: PutOptions = {}): Promise<VerifiedFile> {
    refuseUnverifiable(file, this.#options.allowUndigested === true);
    const running = this.#puts.get(file.path);
    if (running !== undefined) {
      if (isSameContent(running.file, file)) return running.done;
      throw new CygstrapError('repo', `\`${file.path}\` is wanted with two contents`, { details: { path: file.path } });
    }
    const done = this.#put(file, openSource, options);
    this.#puts.set(file.path, { file, done });
    try {
      return await done;
    } finally {
      this.#puts.delete(file.path);
    }
  }

  /** Tells which files are there, with the right size and verified: earlier, and unchanged since, or now. `onBytes` counts what
   *  has to be read for that. Each list has the order of `files`, each path once. Throws `io` and the signal's reason. */
  async presence(files: readonly RepoFile[], { signal, onBytes }: GuardOptions = {}): Promise<Presence> {
    const looks = await this.#looksOf(files, signal);
    const present = new Map<string, VerifiedFile>();
    const unknown = new Map<string, RepoFile>();
    for (const file of files) {
      const look = looks.get(file.path);
      if (look === undefined || look.size !== file.sizeBytes || !this.#isVerifiable(file)) continue;
      const location = locate(this.places, file.path);
      if (this.#stamps.vouchesFor(file, this.#keyOf(file), look)) present.set(file.path, verifiedFile(file, location));
      else unknown.set(location, file);
    }
    const tasks = [...unknown].map(([location, { sizeBytes, digest }]) => ({
      location,
      sizeBytes,
      sha512: digest?.algorithm !== 'md5',
      md5: digest?.algorithm === 'md5',
    }));
    await this.#pool.hashFiles(
      tasks,
      (results) => {
        for (const result of results) {
          const file = unknown.get(result.location);
          if (file === undefined || 'failure' in result) continue;
          onBytes?.(result.sizeBytes);
          const algorithm = file.digest?.algorithm ?? 'sha512';
          const hex = result[algorithm] ?? '';
          if (result.sizeBytes !== file.sizeBytes || (file.digest !== undefined && hex !== file.digest.hex)) continue;
          const verified = verifiedFile(file, result.location);
          present.set(file.path, verified);
          this.#remember(verified, { ...result, size: result.sizeBytes }, shown({ algorithm, hex }));
        }
      },
      signal,
    );
    const once = [...new Map(files.map((file) => [file.path, file])).values()];
    const others = once.filter(({ path }) => !present.has(path));
    for (const file of others) this.#stamps.forget(this.#keyOf(file));
    return {
      present: once.flatMap(({ path }) => present.get(path) ?? []),
      absent: others.filter(({ path }) => !looks.has(path)),
      damaged: others.filter(({ path }) => looks.has(path)),
    };
  }

  /** Makes everything stored so far survive a loss of power, in one go, and remembers it as verified. To be called before an
   *  index that lists the files is published. Throws `io`. */
  async sync(): Promise<void> {
    // One after the other: who syncs is to find everything durable, also what another sync has taken upon itself.
    const running = this.#syncing.then(() => this.#syncNow());
    this.#syncing = running.catch(() => undefined);
    return running;
  }

  async #syncNow(): Promise<void> {
    const fresh = this.#fresh;
    this.#fresh = [];
    try {
      await makeDurable(
        this.places.root,
        fresh.map(({ file }) => file.location),
      );
    } catch (error) {
      this.#fresh = [...fresh, ...this.#fresh];
      throw ioError(error, 'flush', this.places.root);
    }
    for (const { file, looks, proof, isSettled } of fresh) {
      if (isSettled)
        this.#stamps.set(this.#keyOf(file), {
          sizeBytes: file.sizeBytes,
          mtimeMs: looks.mtimeMs,
          ino: looks.ino,
          proof,
        });
    }
    this.#stamps.save();
  }

  /** Syncs, and gives the repo to whoever waits for it. No method may be called after it. */
  async close(): Promise<void> {
    try {
      await this.sync();
    } finally {
      await this.#pool.close();
      await this.#lock.release();
    }
  }

  async #put(file: RepoFile, openSource: OpenSource, options: PutOptions): Promise<VerifiedFile> {
    const location = locate(this.places, file.path);
    try {
      options.signal?.throwIfAborted();
      const cached = this.#cache === undefined ? undefined : await this.#putCached(file, location, this.#cache);
      const verified = cached ?? (await this.#receive(file, location, openSource, options));
      if (file.digest?.algorithm === 'md5') this.#tellOfMd5(file);
      return verified;
    } catch (error) {
      throw ioError(error, 'store', location);
    }
  }

  async #receive(file: RepoFile, location: string, openSource: OpenSource, options: PutOptions): Promise<VerifiedFile> {
    // Set back, so that any later change of the file, however soon, gives it another time.
    const mtimeMs = Math.floor(Date.now() / 1000) * 1000 - SETTLED_MS;
    let looks: Looks;
    let proof: string;
    if (file.sizeBytes <= SMALL_BYTES) {
      const placed = await this.#receiveSmall(file, location, openSource, options, mtimeMs);
      looks = placed.looks;
      proof = shown(placed.digest);
    } else {
      this.#directories.makeFor(location);
      const chunksOf = (source: Parameters<typeof guarded>[0], maxBytes: number) =>
        guarded(source, file, maxBytes, options);
      proof = shown(await receiveLarge(file, location, openSource, { chunksOf, pool: this.#pool }));
      utimesSync(`${location}${PART_SUFFIX}`, mtimeMs / 1000, mtimeMs / 1000);
      looks = this.#place(location);
    }
    const verified = verifiedFile(file, location);
    this.#remember(verified, looks, proof);
    this.#cache?.keep(file, location);
    return verified;
  }

  async #receiveSmall(
    file: RepoFile,
    location: string,
    openSource: OpenSource,
    options: PutOptions,
    mtimeMs: number,
  ): Promise<Awaited<ReturnType<typeof placeSmall>>> {
    const { sizeBytes } = file;
    const source = await openSource({ fromByte: 0, validator: undefined });
    const block = this.#blocks.take(sizeBytes);
    try {
      const receivedBytes =
        source.gather === undefined
          ? await fill(block, guarded(source, file, sizeBytes, options))
          : await source.gather(block.bytes.subarray(0, sizeBytes), options.onBytes);
      if (receivedBytes !== sizeBytes) throw wrongSize(file, receivedBytes);
      if (sizeBytes <= SMALL_BLOCK_BYTES) options.onReceived?.();
      return await placeSmall(file, location, block, { pool: this.#pool, mtimeMs });
    } finally {
      this.#blocks.give(block);
    }
  }

  async #putCached(file: RepoFile, location: string, cache: ArchiveCache): Promise<VerifiedFile | undefined> {
    if (file.digest === undefined) return undefined;
    this.#directories.makeFor(location);
    const part = `${location}${PART_SUFFIX}`;
    const draft = `${location}${PART_CACHED_SUFFIX}`;
    rmSync(draft, { force: true });
    if (!(await cache.take(file, draft))) return undefined;
    discardPart(location);
    renameSync(draft, part);
    const looks = this.#place(location);
    const verified = verifiedFile(file, location);
    this.#remember(verified, looks, shown(file.digest));
    return verified;
  }

  #remember(file: VerifiedFile, looks: Looks, proof: string): void {
    this.#fresh.push({ file, looks, proof, isSettled: looks.mtimeMs <= Date.now() - SETTLED_MS });
  }

  /** Gives a complete `.part` its name. */
  #place(location: string): Looks {
    const part = `${location}${PART_SUFFIX}`;
    renameSync(part, location);
    // Two names of one file are left as they are by rename.
    rmSync(part, { force: true });
    discardPartFacts(location);
    return statSync(location);
  }

  /** Looks at each file, on this thread: a look takes 5 us, and several times that by way of another. */
  async #looksOf(files: readonly RepoFile[], signal: AbortSignal | undefined): Promise<Map<string, Looks>> {
    const looks = new Map<string, Looks>();
    const { root, base } = this.places;
    const isThere = new Map<string, boolean>();
    for (const [i, { path }] of files.entries()) {
      if (i % STATS_IN_ONE_TURN === 0) await nextTurn();
      signal?.throwIfAborted();
      const location = locate(this.places, path);
      // In a new repo not even the directories are there.
      const [top = ''] = path.split('/', 1);
      try {
        if (!isThere.has(top))
          isThere.set(top, statSync(join(root, base, top), { throwIfNoEntry: false }) !== undefined);
        if (isThere.get(top) === false) continue;
        const look = statSync(location, { throwIfNoEntry: false });
        if (look !== undefined) looks.set(path, look);
      } catch (error) {
        if (!hasCode(error, 'ENOENT', 'ENOTDIR')) throw ioError(error, 'look at', location);
      }
    }
    return looks;
  }

  #isVerifiable(file: RepoFile): boolean {
    return file.digest !== undefined || this.#options.allowUndigested === true;
  }

  #keyOf({ path }: RepoFile): string {
    return this.places.base === '' ? path : `${this.places.base}/${path}`;
  }

  #tellOfMd5({ path }: RepoFile): void {
    if (this.#hasToldOfMd5) return;
    this.#hasToldOfMd5 = true;
    this.#report({
      kind: 'warning',
      message: `the index has no SHA-512 for some files, as for \`${path}\`; MD5 finds damage, but does not protect from forgery`,
    });
  }
}
