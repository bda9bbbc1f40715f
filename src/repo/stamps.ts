import { closeSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { ioError, hasCode } from '../io/system-error.ts';
import type { RepoFile } from './file.ts';
import { STAMPS_NAME, TEMP_SUFFIX, ownFile } from './layout.ts';

/** How a file looked when its bytes were verified. */
export interface Stamp {
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly ino: number;
  /** `sha512:` or `md5:` and the digest its bytes had. */
  readonly proof: string;
}

/** What of a file's status tells that it was not changed. */
export interface Looks {
  readonly size: number;
  readonly mtimeMs: number;
  readonly ino: number;
}

/** First line of the file; the number grows with every change of the lines below it. */
const HEADER = 'cygstrap verified files 1';

/** `PROOF SIZE MTIME-MS INODE PATH`, where a proof `-` takes an earlier line back. Later lines win; anything else is ignored,
 *  such as a line cut short when the process or the system stopped. */
const LINE = /^(-|sha512:[0-9a-f]{128}|md5:[0-9a-f]{32}) (\d+) (\d+(?:\.\d+)?) (\d+) (.+)$/;

/** A file is stamped only when it was last written at least this long before it was read: within one tick of a file
 *  system's clock (two seconds on FAT) a second change would not show. */
export const SETTLED_MS = 2_000;

/** The memory of what was verified in a repo, so that unchanged files need not be read again. A stamp is worth as much as the
 *  directory it lies in: who can write there can forge it, and `verify` does not look at it. Lifetime: one command. */
export class Stamps {
  readonly #path: string;
  readonly #stamps = new Map<string, Stamp>();
  #unsaved = new Map<string, Stamp | undefined>();
  #lines = 0;

  private constructor(path: string) {
    this.#path = path;
  }

  /** Reads the stamps of a repo; none are there, or none are readable: it starts empty. Throws `io`. */
  static read(root: string): Stamps {
    const stamps = new Stamps(ownFile(root, STAMPS_NAME));
    let text: string;
    try {
      text = readFileSync(stamps.#path, 'utf8');
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ENOTDIR')) return stamps;
      throw ioError(error, 'read', stamps.#path);
    }
    const [header, ...lines] = text.split('\n');
    if (header !== HEADER) return stamps;
    for (const line of lines) stamps.#take(line);
    stamps.#lines = lines.length;
    return stamps;
  }

  /** Whether a file that looks like this is one whose bytes were found to be what is promised now. */
  vouchesFor({ sizeBytes, digest }: RepoFile, key: string, looks: Looks): boolean {
    const stamp = this.#stamps.get(key);
    if (stamp === undefined || stamp.sizeBytes !== sizeBytes) return false;
    if (digest !== undefined && stamp.proof !== `${digest.algorithm}:${digest.hex}`) return false;
    return stamp.sizeBytes === looks.size && stamp.mtimeMs === looks.mtimeMs && stamp.ino === looks.ino;
  }

  /** Remembers a file that was verified; `key` is its path below the root of the repo. */
  set(key: string, stamp: Stamp): void {
    this.#stamps.set(key, stamp);
    this.#unsaved.set(key, stamp);
  }

  /** Forgets a file that is damaged or gone. */
  forget(key: string): void {
    if (this.#stamps.delete(key)) this.#unsaved.set(key, undefined);
  }

  /** Writes what is new: at the end of the file, or the whole file when most of its lines are out of date. Call it only when
   *  the files themselves are on disk. Throws `io`. */
  save(): void {
    if (this.#unsaved.size === 0) return;
    try {
      if (this.#lines === 0 || this.#lines + this.#unsaved.size > 2 * this.#stamps.size + 16) this.#rewrite();
      else this.#append();
    } catch (error) {
      throw ioError(error, 'write', this.#path);
    }
    this.#unsaved = new Map();
  }

  #append(): void {
    // The newline before it ends a line that was cut short.
    const text = `\n${textOf(this.#unsaved)}`;
    const file = openSync(this.#path, 'a');
    try {
      writeAll(file, text);
    } finally {
      closeSync(file);
    }
    this.#lines += this.#unsaved.size + 1;
  }

  #rewrite(): void {
    const draft = `${this.#path}.${randomUUID()}${TEMP_SUFFIX}`;
    const file = openSync(draft, 'wx');
    try {
      writeAll(file, `${HEADER}\n${textOf(this.#stamps)}`);
    } finally {
      closeSync(file);
    }
    renameSync(draft, this.#path);
    this.#lines = this.#stamps.size;
  }

  #take(line: string): void {
    const [, proof = '', size = '', mtime = '', ino = '', key = ''] = LINE.exec(line) ?? [];
    if (proof === '-') this.#stamps.delete(key);
    else if (proof !== '')
      this.#stamps.set(key, { proof, sizeBytes: Number(size), mtimeMs: Number(mtime), ino: Number(ino) });
  }
}

function textOf(stamps: ReadonlyMap<string, Stamp | undefined>): string {
  const lines: string[] = [];
  for (const [key, stamp] of stamps) {
    lines.push(
      stamp === undefined
        ? `- 0 0 0 ${key}\n`
        : `${stamp.proof} ${stamp.sizeBytes} ${stamp.mtimeMs} ${stamp.ino} ${key}\n`,
    );
  }
  return lines.join('');
}

function writeAll(file: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
}
