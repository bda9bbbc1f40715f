import { CygstrapError } from '../../errors.ts';
import { printableLine } from '../../printable.ts';
import type { InstalledPackage } from './plan.ts';

const HEADER = /^INSTALLED\.DB (\d+)$/i;
/** A name and its archive: the characters of a name in an index, and a version that ends in `.tar`, `.tar.bz2`, ... */
const LINE = /^([!-~]+)[ \t]+([!-~]+)(?:[ \t]+(\d+))?$/;
/** Most unreadable lines that a message shows. */
const MOST_SHOWN = 20;

/** Parses the text of an `/etc/setup/installed.db` (formats 1 to 3), in its order; LF or CR LF. The version is the part
 *  of the artificial file name after the package name. Of a package that is listed twice, the last line counts.
 *  @param file name for messages
 *  @param warn receives a sentence for each loss: an empty file, a file without its first line, without its last line
 *    end or with a cut last line, and a package that is listed twice
 *  @throws `parse` with `file:line` for each line that cannot be read, except a cut last one; `details.lines` has all
 *    numbers
 *  Source: cygwin-setup package_db.cc. Setup ignores lines that it cannot read, and ends the name at the first `-`
 *  before a digit, which truncates names that contain one; this function uses the name field of the line. */
export function parseInstalledDb(
  text: string,
  file = 'installed.db',
  warn: (message: string) => void = () => {},
): InstalledPackage[] {
  if (text.trim() === '') {
    warn(`\`${file}\` is empty: no package counts as installed`);
    return [];
  }
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/);
  const header = HEADER.exec(lines[0] ?? '');
  if (header !== null && !['2', '3'].includes(header[1] ?? ''))
    throw new CygstrapError('parse', `${file}:1: expected INSTALLED.DB 2 or 3, found \`${lines[0]}\``);
  if (header === null)
    warn(`${file}:1: the first line is not \`INSTALLED.DB 3\`: the start of the file may be missing`);
  const packages = new Map<string, InstalledPackage>();
  const faults: { readonly line: number; readonly message: string }[] = [];
  lines.forEach((line, i) => {
    if (line.trim() === '') return;
    const at = `${file}:${i + 1}`;
    const isLast = i === lines.length - 1;
    const noEnd = `${at}: the last line has no line end: the file may be cut there, and what followed is not counted`;
    if (i === 0 && header !== null) {
      if (isLast) warn(noEnd);
      return;
    }
    const found = parseLine(line.trim());
    const shown = `\`${printableLine(line.slice(0, 200))}\``;
    if (found === undefined) {
      if (isLast) warn(`${at}: the file is cut in this line, and its package does not count as installed: ${shown}`);
      else faults.push({ line: i + 1, message: `${at}: expected \`NAME NAME-VERSION.tar.bz2 FLAG\`, found ${shown}` });
      return;
    }
    if (isLast) warn(noEnd);
    if (packages.delete(found.name)) warn(`${at}: \`${found.name}\` is listed twice; this line counts`);
    packages.set(found.name, found);
  });
  if (faults.length > 0) throw unreadable(faults);
  return [...packages.values()];
}

function unreadable(faults: readonly { readonly line: number; readonly message: string }[]): CygstrapError {
  const shown = faults.slice(0, MOST_SHOWN).map(({ message }) => message);
  const rest = faults.length - shown.length;
  return new CygstrapError('parse', [...shown, ...(rest > 0 ? [`and ${rest} more lines`] : [])].join('\n'), {
    hint: 'give the file etc/setup/installed.db of a Cygwin installation',
    details: { lines: faults.map(({ line }) => line) },
  });
}

/** Returns the package of a line; undefined for a line that is cut or malformed. */
function parseLine(line: string): InstalledPackage | undefined {
  const [, name = '', archive = '', flag = '0'] = LINE.exec(line) ?? [];
  const version = archive.startsWith(name)
    ? /^-(.+?)\.tar(?:\.\w+)?$/.exec(archive.slice(name.length))?.[1]
    : undefined;
  return version === undefined ? undefined : { name, version, picked: (Number(flag) & 1) === 1 };
}
