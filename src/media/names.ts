import { caseless } from '../io/caseless.ts';
import { MediaError } from './base/media-error.ts';

/** Longest name in Joliet in UTF-16 units, as xorriso writes and Windows reads it. */
const JOLIET_NAME_CHARS = 103;

/** Longest path in Joliet in UTF-16 units, including slashes. */
const JOLIET_PATH_CHARS = 240;

const FAT_NAME_CHARS = 255;

/** Characters that Joliet, Windows or FAT do not allow in a name. */
const FORBIDDEN = /[\p{Cc}\p{Surrogate}\\:*?"<>|;]/u;

/** Throws `bad-name` for a path that Joliet cannot represent: names over 103 characters, paths over 240, and
 *  characters outside Unicode's basic plane. */
export function requireIsoPath(path: string): void {
  for (const name of path.split('/')) {
    requireName(name, path);
    if (name.length > JOLIET_NAME_CHARS)
      throw badName(path, `its name has ${name.length} characters, at most ${JOLIET_NAME_CHARS} in Joliet`);
  }
  if (path.length > JOLIET_PATH_CHARS)
    throw badName(path, `it has ${path.length} characters, at most ${JOLIET_PATH_CHARS} in Joliet`);
}

/** Throws `bad-name` unless the name is ASCII without slashes, since our floppies have no directories. */
export function requireFloppyName(name: string): void {
  requireName(name, name);
  if (name.includes('/')) throw badName(name, 'floppy images have no directories');
  if (!/^[ -~]*$/.test(name)) throw badName(name, 'names on floppy images must be ASCII');
  if (name.length > FAT_NAME_CHARS)
    throw badName(name, `it has ${name.length} characters, at most ${FAT_NAME_CHARS} in FAT`);
}

/** Throws `clash` if two paths are equal on a case-insensitive system, if one is a directory of another, or if a
 *  directory is spelled in two ways: Windows would see the files of only one. */
export function requireDistinct(paths: Iterable<string>): void {
  const files = new Map<string, string>();
  const directories = new Map<string, { readonly spelling: string; readonly path: string }>();
  for (const path of paths) {
    const key = caseless(path);
    const other = files.get(key);
    if (other !== undefined)
      throw clash(
        other,
        path,
        other === path ? 'is listed twice' : `and \`${path}\` differ only in case and are the same file on Windows`,
      );
    files.set(key, path);
    requireOneSpelling(path, directories);
  }
  for (const [key, path] of files) {
    for (let end = key.lastIndexOf('/'); end > 0; end = key.lastIndexOf('/', end - 1)) {
      const other = files.get(key.slice(0, end));
      if (other !== undefined) throw clash(other, path, `is a file and also a directory of \`${path}\``);
    }
  }
}

function requireOneSpelling(
  path: string,
  known: Map<string, { readonly spelling: string; readonly path: string }>,
): void {
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    const spelling = path.slice(0, end);
    const key = caseless(spelling);
    const other = known.get(key);
    // The directories above have been compared with it.
    if (other?.spelling === spelling) return;
    if (other !== undefined)
      throw clash(other.path, path, `and \`${path}\` are in directories whose names differ only in case`);
    known.set(key, { spelling, path });
  }
}

/** Throws `bad-name` for a volume label that not every reader supports. */
export function requireLabel(label: string): void {
  if (!/^[A-Z0-9_]{1,11}$/.test(label))
    throw badName(label, 'a volume label has up to 11 characters of A-Z, 0-9 and _');
}

function requireName(name: string, path: string): void {
  if (name === '' || name === '.' || name === '..') throw badName(path, 'it has an empty component, `.` or `..`');
  if (FORBIDDEN.test(name)) throw badName(path, 'it has a character that Windows does not allow');
  if (/[\u{10000}-\u{10ffff}]/u.test(name)) throw badName(path, 'Joliet does not support characters beyond U+FFFF');
  if (/[. ]$/.test(name)) throw badName(path, 'it has a component that ends in a dot or a blank, which Windows drops');
}

function badName(path: string, why: string): MediaError {
  return new MediaError('bad-name', `\`${path}\` cannot be on the medium: ${why}`, {
    hint: 'use another name on the medium',
    details: { path },
  });
}

function clash(path: string, other: string, why: string): MediaError {
  return new MediaError('clash', `conflicting names on the medium: \`${path}\` ${why}`, {
    hint: 'use another name for one of them',
    details: { paths: [path, other] },
  });
}
