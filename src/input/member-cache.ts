import { lstat, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { removeOldTemporaries, writeFileAtomically } from '../io/atomic-file.ts';
import { makeDirectory } from '../io/directories.ts';
import { isMissing } from '../io/system-error.ts';
import { MEMBER_TYPES } from './archive-members.ts';
import type { ArchiveMember } from './archive-members.ts';

/** First line of an entry, before the digest. Change the number when the layout or the meaning changes. */
const HEADER = 'cygstrap members 1';

/** The name of an entry after the digest. */
const LIST_SUFFIX = '.gz';

const LIST_NAME = /^[0-9a-f]{128}\.gz$/;

/** Bounds of an entry, so that a foreign file in its place does no harm. */
const MAX_ENTRY_BYTES = 64 * 1024 * 1024;
const MAX_TEXT_BYTES = 128 * 1024 * 1024;

/** Age at which the temporary file of a killed process is removed. */
const OLD_TEMPORARY_MS = 60 * 60 * 1000;

const DAY_MS = 24 * 60 * 60 * 1000;

/** Age at which a list that nothing has read is removed. */
const UNUSED_MS = 90 * DAY_MS;

/** The lists of members of archives: one file for each digest, `<sha512 of the archive>.gz`. It holds a first line with
 *  the digest, and the members as JSON; gzip detects damage. The lists are as trustworthy as the directory. Lists
 *  that nothing has read for 90 days are removed when another one is stored. */
export class MemberCache {
  readonly #directory: string;
  readonly #note: (message: string) => void;
  #hasWritten = false;

  /** @param note receives the reason when the cache cannot be used, which is never an error */
  constructor(directory: string, note: (message: string) => void) {
    this.#directory = directory;
    this.#note = note;
  }

  /** Returns the members of the archive with this digest; undefined if its list is missing or damaged. Never throws. */
  async read(sha512: string): Promise<readonly ArchiveMember[] | undefined> {
    const path = this.#pathOf(sha512);
    try {
      await using file = await open(path, 'r');
      const { size, mtimeMs } = await file.stat();
      if (size > MAX_ENTRY_BYTES) throw new Error('it is too large');
      const text = await promisify(gunzip)(await file.readFile(), { maxOutputLength: MAX_TEXT_BYTES });
      const end = text.indexOf('\n');
      if (text.toString('latin1', 0, end) !== `${HEADER} ${sha512}`)
        throw new Error('it is of another archive or form');
      const members: unknown = JSON.parse(text.toString('utf8', end + 1));
      if (!Array.isArray(members) || !members.every(isMember)) throw new Error('it is of another archive or form');
      const now = Date.now();
      // The time of the last use; a cache that cannot be written has none.
      if (mtimeMs < now - DAY_MS) await file.utimes(now / 1000, now / 1000).catch(() => {});
      return members;
    } catch (error) {
      if (!isMissing(error)) this.#note(`the list of files \`${path}\` cannot be used: ${messageOf(error)}`);
      return undefined;
    }
  }

  /** Returns the SHA-512 of the archives that have a list. Never throws. */
  async digests(): Promise<ReadonlySet<string>> {
    try {
      const names = await readdir(this.#directory);
      return new Set(names.filter((name) => LIST_NAME.test(name)).map((name) => name.slice(0, -LIST_SUFFIX.length)));
    } catch (error) {
      if (!isMissing(error)) this.#note(`the lists of files cannot be used: ${messageOf(error)}`);
      return new Set();
    }
  }

  /** Stores the members of an archive. Several processes can store the same list. Never throws. */
  async write(sha512: string, members: readonly ArchiveMember[]): Promise<void> {
    try {
      const text = Buffer.from(`${HEADER} ${sha512}\n${JSON.stringify(members)}`);
      if (text.length > MAX_TEXT_BYTES) return;
      const bytes = await promisify(gzip)(text, { level: 1 });
      await makeDirectory(this.#directory, 0o700);
      await writeFileAtomically(this.#pathOf(sha512), bytes, { mode: 0o600 });
      if (this.#hasWritten) return;
      this.#hasWritten = true;
      const now = Date.now();
      await removeOldTemporaries(this.#directory, { beforeMs: now - OLD_TEMPORARY_MS, except: '' });
      await this.#removeUnused(now - UNUSED_MS);
    } catch (error) {
      this.#note(`a list of files is not cached: ${messageOf(error)}`);
    }
  }

  /** Removes the lists that were last used before a time, in milliseconds since 1970. */
  async #removeUnused(beforeMs: number): Promise<void> {
    for (const name of await readdir(this.#directory)) {
      if (!LIST_NAME.test(name)) continue;
      const path = join(this.#directory, name);
      const mtimeMs = await lstat(path).then(
        (status) => status.mtimeMs,
        // Another process has removed it.
        () => Infinity,
      );
      if (mtimeMs < beforeMs) await rm(path, { force: true });
    }
  }

  #pathOf(sha512: string): string {
    return join(this.#directory, `${sha512}${LIST_SUFFIX}`);
  }
}

function isMember(value: unknown): value is ArchiveMember {
  if (typeof value !== 'object' || value === null) return false;
  const { path, type, size, target } = value as Readonly<Partial<Record<keyof ArchiveMember, unknown>>>;
  return (
    typeof path === 'string' &&
    MEMBER_TYPES.some((each) => each === type) &&
    typeof size === 'number' &&
    (target === undefined || typeof target === 'string')
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
