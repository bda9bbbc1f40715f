import { CygstrapError } from '../../errors.ts';
import { sourcePackageName, stabilityOf } from './records.ts';
import { KEYWORDS, commonClasses, isDigest } from './lexicon.ts';
import { NO_LIST, distinct } from './pool.ts';
import { SELF_DESTRUCT_READ, SELF_DESTRUCT_WRITTEN } from './records.ts';
import type { Archive, Dependency, IndexHeader, PackageRecord, SourceArchive, VersionRecord } from './records.ts';

/** Returns the text of an index that parses to the same headers and records, except `line`, in the form of the official
 *  generator. Encode it as UTF-8. Throws `usage` for a value that an index cannot contain, such as a quote inside a
 *  text. */
export function printIndex(header: IndexHeader, records: Iterable<PackageRecord>): string {
  return [...printPieces(header, records)].join('');
}

/** Yields the result of `printIndex` in pieces: the headers, then each package. */
export function* printPieces(
  header: IndexHeader,
  records: Iterable<PackageRecord>,
): Generator<string, void, undefined> {
  yield printHeader(header);
  for (const record of records) yield `\n${printPackage(record)}`;
}

function printHeader({ release, arch, setupTimestamp, setupMinimumVersion, setupVersion }: IndexHeader): string {
  const timestamp = setupTimestamp === undefined ? undefined : String(setupTimestamp);
  if (setupTimestamp !== undefined && setupTimestamp >>> 0 !== setupTimestamp) {
    refuse('the headers', `timestamp ${setupTimestamp} is not an unsigned 32-bit integer`);
  }
  const lines: readonly (readonly [string, string | undefined])[] = [
    ['release', release],
    ['arch', arch],
    ['setup-timestamp', timestamp],
    ['setup-minimum-version', setupMinimumVersion],
    ['setup-version', setupVersion],
  ];
  return lines.map(([key, value]) => (value === undefined ? '' : `${key}: ${word(value, 'the headers')}\n`)).join('');
}

/** Returns the text of one package without blank lines around it; see `printIndex`. */
export function printPackage(record: PackageRecord): string {
  const { name, sdesc, ldesc, categories, message, replaceVersions } = record;
  if (name === '') refuse('a package', 'empty name');
  const where = `package ${name}`;
  refuseRepeats(
    categories.map((category) => category.toLowerCase()),
    `${where}: categories`,
  );
  refuseRepeats(replaceVersions, `${where}: replaced versions`);
  let text = `@ ${word(name, where)}\n`;
  if (sdesc !== '') text += `sdesc: ${quoted(sdesc, where)}\n`;
  if (ldesc !== '') text += `ldesc: ${quoted(ldesc, where)}\n`;
  if (categories.length > 0) text += `category: ${words(categories, where)}\n`;
  if (message !== undefined) text += `message: ${word(message.id, where)} ${quoted(message.text, where)}\n`;
  if (replaceVersions.length > 0) text += `replace-versions: ${words(replaceVersions, where)}\n`;
  const sections = new SectionPrinter(name);
  for (const version of record.versions) text += sections.print(version);
  return text;
}

/** Values that the next section inherits. */
interface Inherited {
  readonly version: string;
  readonly source?: SourceArchive;
  readonly sourceName?: string;
  readonly obsoletes: readonly Dependency[];
  readonly provides: readonly Dependency[];
  readonly conflicts: readonly Dependency[];
  readonly buildDepends: readonly Dependency[];
}

const NOTHING: Inherited = {
  version: '',
  obsoletes: NO_LIST.entries,
  provides: NO_LIST.entries,
  conflicts: NO_LIST.entries,
  buildDepends: NO_LIST.entries,
};

/** Prints the sections of one package. Omits a line when the section inherits the same value (see RecordBuilder). */
class SectionPrinter {
  readonly #name: string;
  #isFirst = true;
  #inherited = NOTHING;
  #depends = NO_LIST.entries;
  #hadProvides = false;

  constructor(name: string) {
    this.#name = name;
  }

  print(record: VersionRecord): string {
    const { version, section, install } = record;
    const where = `package ${this.#name}, version ${version}`;
    if (version === '') refuse(where, 'empty version');
    if (stabilityOf(section) !== record.stability)
      refuse(where, `label [${section}] does not match stability ${record.stability}`);
    if (section === '' || commonClasses(section) === 0) refuse(where, `malformed label \`${section}\``);
    const text = [
      this.#isFirst && section === 'curr' ? '' : `[${section}]\n`,
      this.#versionAndArchives(record, where),
      this.#list('depends2', record.depends, this.#depends),
      this.#list('obsoletes', record.obsoletes, this.#inherited.obsoletes),
      this.#provides(record),
      this.#list('conflicts', record.conflicts, this.#inherited.conflicts),
      this.#list('build-depends', record.buildDepends, this.#inherited.buildDepends),
    ].join('');
    this.#isFirst = false;
    this.#depends = record.depends;
    this.#inherited = install === undefined ? record : NOTHING;
    return text;
  }

  #versionAndArchives(record: VersionRecord, where: string): string {
    const { version, install, source, sourceName } = record;
    const inherited = this.#inherited;
    const versionLine = `version: ${word(version, where)}\n`;
    const installLines = install === undefined ? '' : archiveLines('install', install, where);
    // Only a `source:` line cancels an inherited `Source:` line.
    const repeats = inherited.sourceName !== undefined && sourceName === undefined;
    let text = versionLine + installLines;
    if (source !== undefined && (repeats || !isSameSource(source, inherited.source))) {
      if (source.packageName !== sourcePackageName(this.#name))
        refuse(where, `invalid source package ${source.packageName}`);
      if (source.archive.md5 !== undefined && source.archive.sha512 !== undefined) {
        refuse(where, 'source archive with two digests');
      }
      const sourceLine = archiveLines('source', source.archive, where);
      if (source.version === version) text += sourceLine;
      else if (source.version === inherited.version) text = sourceLine + text;
      else text = `version: ${word(source.version, where)}\n${sourceLine}${text}`;
    } else if (source === undefined && (inherited.source !== undefined || repeats)) {
      refuse(where, 'no source, but the section above without a binary archive has one to inherit');
    }
    if (sourceName !== undefined) text += `Source: ${word(sourceName, where)}\n`;
    return text;
  }

  #provides({ provides, obsoletes }: VersionRecord): string {
    if (!this.#hadProvides && isSameList(provides, obsoletes)) return '';
    const text = this.#hadProvides
      ? this.#list('provides', provides, this.#inherited.provides)
      : this.#listLine('provides', provides);
    this.#hadProvides = true;
    return text;
  }

  #list(key: string, list: readonly Dependency[], inherited: readonly Dependency[]): string {
    return list.length === 0 && inherited.length === 0 ? '' : this.#listLine(key, list);
  }

  #listLine(key: string, list: readonly Dependency[]): string {
    const where = `package ${this.#name}: ${key}`;
    if (distinct(list) !== list) refuse(where, 'duplicate entry');
    return `${[`${key}:`, list.map((one) => dependency(one, where)).join(', ')].join(' ').trimEnd()}\n`;
  }
}

function isSameSource(a: SourceArchive, b: SourceArchive | undefined): boolean {
  if (b === undefined || a.packageName !== b.packageName || a.version !== b.version) return false;
  return (['path', 'sizeBytes', 'md5', 'sha512'] as const).every((key) => a.archive[key] === b.archive[key]);
}

function isSameList(a: readonly Dependency[], b: readonly Dependency[]): boolean {
  if (a === b) return true;
  return a.length === b.length && a.every((one, at) => isSameDependency(one, b[at]));
}

function isSameDependency(a: Dependency, b: Dependency | undefined): boolean {
  return a.name === b?.name && a.op === b.op && a.version === b.version;
}

function dependency({ name, op, version }: Dependency, where: string): string {
  if (name === SELF_DESTRUCT_WRITTEN) refuse(where, `\`${name}\` would be read as \`${SELF_DESTRUCT_READ}\``);
  const written = name === SELF_DESTRUCT_READ ? SELF_DESTRUCT_WRITTEN : word(name, where);
  if (op === undefined && version === undefined) return written;
  if (op === undefined || version === undefined) return refuse(where, 'criterion without an operator or a version');
  return `${written} (${op} ${word(version, where)})`;
}

/** Returns one line, or two for an archive with both digests. */
function archiveLines(key: 'install' | 'source', { path, sizeBytes, md5, sha512 }: Archive, where: string): string {
  if ((sizeBytes | 0) !== sizeBytes) refuse(where, `size ${sizeBytes} is not a 32-bit integer`);
  if (md5 === undefined && sha512 === undefined) refuse(where, 'archive without a digest');
  if (md5 !== undefined && !/^[0-9a-f]{32}$/.test(md5)) refuse(where, `malformed md5 digest \`${md5}\``);
  if (sha512 !== undefined && !/^[0-9a-f]{128}$/.test(sha512)) refuse(where, `malformed sha512 digest \`${sha512}\``);
  const start = `${key}: ${word(path, where)} ${sizeBytes}`;
  return [md5, sha512].map((digest) => (digest === undefined ? '' : `${start} ${digest}\n`)).join('');
}

function words(all: readonly string[], where: string): string {
  return all.map((one) => word(one, where)).join(' ');
}

/** Returns the text bare when setup reads it as one word, else in quotes. */
function word(text: string, where: string): string {
  const bits = commonClasses(text);
  const isBare = text !== '' && bits !== 0 && !isDigest(text.length, bits) && !KEYWORDS.has(text);
  return isBare ? text : quoted(text, where);
}

function quoted(text: string, where: string): string {
  if (/["\0\p{Surrogate}]/u.test(text)) refuse(where, 'text with a quote, a NUL or an unpaired surrogate');
  return `"${text}"`;
}

function refuseRepeats(all: readonly string[], where: string): void {
  if (new Set(all).size < all.length) refuse(where, 'duplicate entry');
}

function refuse(where: string, why: string): never {
  throw new CygstrapError('usage', `cannot be written as setup.ini: ${where}: ${why}`);
}
