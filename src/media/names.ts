import { caseless } from '../io/caseless.ts';
import { MediaError } from './media-error.ts';

/** Most UTF-16 units of one name in Joliet, as xorriso writes it; Windows reads these. */
const JOLIET_NAME_CHARS = 103;

/** Most UTF-16 units of a whole path in Joliet, slashes between names included. */
const JOLIET_PATH_CHARS = 240;

const FAT_NAME_CHARS = 255;

/** What Joliet, Windows or FAT cannot have in a name. */
const FORBIDDEN = /[\p{Cc}\p{Surrogate}\\:*?"<>|;]/u;

/** Throws `bad-name` for a path that a reader of the ISO image would not see as it is: in Joliet names are of 103 characters at
 *  most, paths of 240, all from Unicode's first plane. */
export function requireIsoPath(path: string): void {
  for (const name of path.split('/')) {
    requireName(name, path);
    if (name.length > JOLIET_NAME_CHARS)
      throw badName(path, `its name has ${name.length} characters, and Joliet has room for ${JOLIET_NAME_CHARS}`);
  }
  if (path.length > JOLIET_PATH_CHARS)
    throw badName(path, `it has ${path.length} characters, and a path in Joliet has room for ${JOLIET_PATH_CHARS}`);
}

/** Throws `bad-name` for what cannot be a file in the one directory of our floppies: a name of ASCII, without slashes. */
export function requireFloppyName(name: string): void {
  requireName(name, name);
  if (name.includes('/')) throw badName(name, 'floppies are made without directories');
  if (!/^[ -~]*$/.test(name)) throw badName(name, 'floppies are made with names of ASCII only');
  if (name.length > FAT_NAME_CHARS)
    throw badName(name, `it has ${name.length} characters, and FAT has room for ${FAT_NAME_CHARS}`);
}

/** Throws `clash` when two paths are one on a system that does not tell cases apart, or one is a directory of another. */
export function requireDistinct(paths: Iterable<string>): void {
  const files = new Map<string, string>();
  for (const path of paths) {
    const key = caseless(path);
    const other = files.get(key);
    if (other !== undefined)
      throw clash(
        other,
        path,
        other === path ? 'is there twice' : `and \`${path}\` differ in case only, and are one file on Windows`,
      );
    files.set(key, path);
  }
  for (const [key, path] of files) {
    for (let end = key.lastIndexOf('/'); end > 0; end = key.lastIndexOf('/', end - 1)) {
      const other = files.get(key.slice(0, end));
      if (other !== undefined) throw clash(other, path, `is a file, and a directory of \`${path}\``);
    }
  }
}

/** Throws `bad-name` for a name of a volume that not every reader shows as it is. */
export function requireLabel(label: string): void {
  if (!/^[A-Z0-9_]{1,11}$/.test(label)) throw badName(label, 'a volume is named by up to 11 of A to Z, 0 to 9 and _');
}

function requireName(name: string, path: string): void {
  if (name === '' || name === '.' || name === '..') throw badName(path, 'it has an empty part, or one of dots');
  if (FORBIDDEN.test(name)) throw badName(path, 'it has a character that a medium for Windows cannot have');
  if (/[\u{10000}-\u{10ffff}]/u.test(name)) throw badName(path, 'Joliet has no room for characters beyond U+FFFF');
  if (/[. ]$/.test(name)) throw badName(path, 'it has a part that ends in a dot or a blank, which Windows drops');
}

function badName(path: string, why: string): MediaError {
  return new MediaError('bad-name', `\`${path}\` cannot be on the medium: ${why}`, {
    hint: 'give it another name on the medium',
    details: { path },
  });
}

function clash(path: string, other: string, why: string): MediaError {
  return new MediaError('clash', `the medium cannot have both: \`${path}\` ${why}`, {
    hint: 'give one of them another name on the medium',
    details: { paths: [path, other] },
  });
}
