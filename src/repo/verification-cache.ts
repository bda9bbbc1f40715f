import { readFileSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { writeFileAtomically } from '../io/atomic-file.ts';
import { hasCode, ioError } from '../io/system-error.ts';
import { isSameStatus } from './disk/file-status.ts';
import type { FileStatus } from './disk/file-status.ts';
import type { RepoFile } from './files/file.ts';
import { VERIFICATION_CACHE_NAME, ownFile } from './files/layout.ts';

/** A verified file. */
export interface CacheEntry extends FileStatus {
  /** Algorithm and digest of its bytes: `sha512:` or `md5:` and hexadecimal digits. */
  readonly digest: string;
}

/** First line of the file. The number changes when the format of the other lines changes. */
const HEADER = 'cygstrap verified files 3';

/** `DIGEST SIZE MTIME-NS CTIME-NS INODE LINKS PATH`. A digest `-` removes the entry of an earlier line. Later lines
 *  replace earlier ones; other lines are ignored, such as one that was cut off when the process was killed. */
const LINE = /^(-|sha512:[0-9a-f]{128}|md5:[0-9a-f]{32}) (\d+) (\d+) (\d+) (\d+) (\d+) (.+)$/;

/** Records which files of a repo were verified, so that unchanged files are not read again. The entries are as
 *  trustworthy as the directory: a user who can write there can forge them, and `verify` does not use them. Lifetime:
 *  one command. */
export class VerificationCache {
  readonly #path: string;
  readonly #entries = new Map<string, CacheEntry>();
  #unsaved = new Map<string, CacheEntry | undefined>();
  #lines = 0;

  private constructor(path: string) {
    this.#path = path;
  }

  /** Reads the cache of a repo; empty if there is none or if it has another format. Throws `io`. */
  static read(root: string): VerificationCache {
    const cache = new VerificationCache(ownFile(root, VERIFICATION_CACHE_NAME));
    let text: string;
    try {
      text = readFileSync(cache.#path, 'utf8');
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ENOTDIR')) return cache;
      throw ioError(error, 'read', cache.#path);
    }
    const [header, ...lines] = text.split('\n');
    if (header !== HEADER) return cache;
    for (const line of lines) cache.#parse(line);
    cache.#lines = lines.length;
    return cache;
  }

  /** Returns whether the file at `key` was verified against the expected size and digest and has not changed since. */
  isVerified(key: string, { sizeBytes, digest }: RepoFile, status: FileStatus): boolean {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.size !== BigInt(sizeBytes)) return false;
    if (digest !== undefined && entry.digest !== `${digest.algorithm}:${digest.hex}`) return false;
    return isSameStatus(entry, status);
  }

  /** Records a verified file; `key` is its path relative to the root of the repo. */
  set(key: string, { digest, size, mtimeNs, ctimeNs, ino, nlink }: CacheEntry): void {
    const entry = { digest, size, mtimeNs, ctimeNs, ino, nlink };
    this.#entries.set(key, entry);
    this.#unsaved.set(key, entry);
  }

  /** Removes the entry of a file that is damaged or missing. */
  delete(key: string): void {
    if (this.#entries.delete(key)) this.#unsaved.set(key, undefined);
  }

  /** Appends new entries to the file, or rewrites it when most of its lines are outdated. The files of the entries must
   *  be flushed to the disk before. Throws `io`. */
  async save(): Promise<void> {
    const unsaved = this.#unsaved;
    if (unsaved.size === 0) return;
    this.#unsaved = new Map();
    try {
      if (this.#lines === 0 || this.#lines + unsaved.size > 2 * this.#entries.size + 16) {
        await writeFileAtomically(this.#path, `${HEADER}\n${print(this.#entries)}`);
        this.#lines = this.#entries.size;
      } else {
        // The leading newline ends a line that was cut off.
        await appendFile(this.#path, `\n${print(unsaved)}`);
        this.#lines += unsaved.size + 1;
      }
    } catch (error) {
      throw ioError(error, 'write', this.#path);
    }
  }

  #parse(line: string): void {
    const [, digest = '', size = '', mtime = '', ctime = '', ino = '', nlink = '', key = ''] = LINE.exec(line) ?? [];
    if (digest === '-') this.#entries.delete(key);
    else if (digest !== '') {
      const times = { mtimeNs: BigInt(mtime), ctimeNs: BigInt(ctime) };
      this.#entries.set(key, { digest, size: BigInt(size), ...times, ino: BigInt(ino), nlink: BigInt(nlink) });
    }
  }
}

function print(entries: ReadonlyMap<string, CacheEntry | undefined>): string {
  const lines: string[] = [];
  for (const [key, entry] of entries) {
    if (entry === undefined) lines.push(`- 0 0 0 0 0 ${key}\n`);
    else {
      const { digest, size, mtimeNs, ctimeNs, ino, nlink } = entry;
      lines.push(`${digest} ${size} ${mtimeNs} ${ctimeNs} ${ino} ${nlink} ${key}\n`);
    }
  }
  return lines.join('');
}
