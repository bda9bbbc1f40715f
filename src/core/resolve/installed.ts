import { CygstrapError } from '../../errors.ts';
import type { InstalledPackage } from './plan.ts';

/** Parses the text of an `/etc/setup/installed.db` (formats 1 to 3), in its order. The version is the part of the
 *  artificial file name after the package name. Throws `parse` with `file:line` for an invalid line.
 *  Source: cygwin-setup package_db.cc. Setup ends the name at the first `-` before a digit and so truncates names
 *  that contain one; this function uses the name field of the line instead. */
export function parseInstalledDb(text: string, file = 'installed.db'): InstalledPackage[] {
  const packages: InstalledPackage[] = [];
  const lines = text.split(/\r?\n/);
  const header = /^INSTALLED\.DB (\d+)$/i.exec(lines[0] ?? '');
  if (header !== null && ![2, 3].includes(Number(header[1]))) {
    throw new CygstrapError('parse', `${file}:1: expected INSTALLED.DB 2 or 3, found \`${lines[0]}\``);
  }
  lines.forEach((line, i) => {
    if ((i === 0 && header !== null) || line.trim() === '') return;
    const [name = '', archive = '', flag = '0'] = line.trim().split(/\s+/);
    const version = /^-(.+?)(?:\.tar(?:\.\w+)?)?$/.exec(
      archive.startsWith(name) ? archive.slice(name.length) : '',
    )?.[1];
    if (version === undefined) {
      throw new CygstrapError(
        'parse',
        `${file}:${i + 1}: expected \`NAME NAME-VERSION.tar.bz2 FLAG\`, found \`${line.slice(0, 200)}\``,
        { hint: 'give the file etc/setup/installed.db of a Cygwin installation' },
      );
    }
    packages.push({ name, version, picked: (Number(flag) & 1) === 1 });
  });
  return packages;
}
