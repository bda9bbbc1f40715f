import type { ArchiveMember } from '../input/archive-members.ts';
import { memberPath } from '../input/member-path.ts';

/** Largest page of a list, and largest answer of a search. A line has about 100 bytes; the longest lists of 2025 have
 *  some ten thousand lines. */
export const LONGEST_LIST_BYTES = 64 * 1024 * 1024;

/** Path of the search in the lists, relative to the site. */
export const SEARCH_PATH = 'cgi-bin2/package-grep.cgi';

/** Returns the path of the list of a version, relative to the site. `archivePath` is the path of its archive in the
 *  index. Source: calm pkg2html.py `write_package_listings` @ 00b11ac. */
export function listingPath(archivePath: string, { name, version }: { name: string; version: string }): string {
  const [top = ''] = archivePath.split('/');
  const file = name.endsWith('-src') ? `${name.slice(0, -4)}-${version}-src` : `${name}-${version}`;
  return `packages/${top}/${name}/${file}`;
}

/** A line of a list: time, size, name; a directory ends in `/`, a link has ` -> ` and its target. */
const LINE = /^ {4}\d{4}-\d\d-\d\d \d\d:\d\d *(\d+) (.+)$/u;

/** Parses the list of the members of an archive, which a site made: text between `<pre>` and `</pre>`, in which names
 *  are not escaped. Returns undefined for a page of another form. The list does not tell symbolic links from second
 *  names of a file. Source: as above. */
export function parseListing(page: string): readonly ArchiveMember[] | undefined {
  const lines = page.split('\n');
  const begin = lines.indexOf('<pre>');
  const end = lines.lastIndexOf('</pre>');
  if (begin < 0 || end < begin) return undefined;
  const members: ArchiveMember[] = [];
  for (const line of lines.slice(begin + 1, end)) {
    const [, size, text = ''] = LINE.exec(line) ?? [];
    if (size === undefined) return undefined;
    const [name = '', target] = text.split(/ -> (.*)/su, 2);
    const path = memberPath(name);
    if (path === undefined) continue;
    const type = target !== undefined ? 'symlink' : name.endsWith('/') ? 'directory' : 'file';
    members.push({ path, type, size: Number(size), ...(target !== undefined && { target }) });
  }
  return members;
}

/** Returns the query of a search for a basic regular expression of grep. The search decodes percent escapes only.
 *  Source: cygwin-htdocs cgi-bin2/package-grep.cgi @ 0af6b90. */
export function searchQuery(arch: string, expression: string): string {
  return `text=1&arch=${escaped(arch)}&grep=${escaped(expression)}`;
}

function escaped(text: string): string {
  return Array.from(Buffer.from(text), (byte) => {
    const char = String.fromCharCode(byte);
    return /[A-Za-z0-9]/.test(char) ? char : `%${byte.toString(16).padStart(2, '0')}`;
  }).join('');
}

/** Parses the answer to a search: `NAME-VERSION` of each list with a line that matches. Returns undefined for an answer
 *  of another form. Source: as above. */
export function parseSearch(answer: string): ReadonlySet<string> | undefined {
  const [head = '', ...lines] = answer.split('\n');
  if (!/^Found +\d+ matches for /.test(head)) return undefined;
  return new Set(lines.flatMap((line) => /^(\S+) - /.exec(line)?.[1] ?? []));
}
