import { CygstrapError } from '../../errors.ts';
import { sourcePackageName, stabilityOf } from './records.ts';
import { KEYWORDS, commonClasses, isDigest } from './parser/lexicon.ts';
import { NO_LIST, distinct } from './parser/pool.ts';
import { SELF_DESTRUCT_READ, SELF_DESTRUCT_WRITTEN } from './records.ts';
import type { Archive, Dependency, IndexHeader, PackageRecord, SourceArchive, VersionRecord } from './records.ts';

/** Writes an index that setup accepts and that parses to the same headers and records, `line` aside; in the order and form
 *  of the official generator. Text is written as it is, so encode the result as UTF-8.
 *  Throws `usage` for values no index can hold, such as a quote inside a text; it never writes something else instead. */
export function printIndex(header: IndexHeader, records: Iterable<PackageRecord>): string {
  return [...printPieces(header, records)].join('');
}

/** `printIndex` in pieces: the headers, then one for each package. */
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
    refuse('the headers', `${setupTimestamp} is no timestamp of 32 bits`);
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

/** Writes one package, without a blank line around it; see `printIndex`. */
export function printPackage(record: PackageRecord): string {
  const { name, sdesc, ldesc, categories, message, replaceVersions } = record;
  if (name === '') refuse('a package', 'setup ignores one with an empty name');
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

/** What a reader of the text so far would carry over into the next section. */
interface CarriedOver {
  readonly version: string;
  readonly source?: SourceArchive;
  readonly sourceName?: string;
  readonly obsoletes: readonly Dependency[];
  readonly provides: readonly Dependency[];
  readonly conflicts: readonly Dependency[];
  readonly buildDepends: readonly Dependency[];
}

const NOTHING: CarriedOver = {
  version: '',
  obsoletes: NO_LIST.entries,
  provides: NO_LIST.entries,
  conflicts: NO_LIST.entries,
  buildDepends: NO_LIST.entries,
};

/** Writes the sections of one package, knowing what carries over (see RecordBuilder): a line is left out only where the
 *  reader assumes the same without it. */
class SectionPrinter {
  readonly #name: string;
  #isFirst = true;
  #carried = NOTHING;
  #depends = NO_LIST.entries;
  #hadProvides = false;

  constructor(name: string) {
    this.#name = name;
  }

  print(record: VersionRecord): string {
    const { version, section, install } = record;
    const where = `package ${this.#name}, version ${version}`;
    if (version === '') refuse(where, 'setup ignores an empty version');
    if (stabilityOf(section) !== record.stability) refuse(where, `[${section}] does not mean ${record.stability}`);
    if (section === '' || commonClasses(section) === 0) refuse(where, `\`${section}\` is no label`);
    const text = [
      this.#isFirst && section === 'curr' ? '' : `[${section}]\n`,
      this.#versionAndArchives(record, where),
      this.#list('depends2', record.depends, this.#depends),
      this.#list('obsoletes', record.obsoletes, this.#carried.obsoletes),
      this.#provides(record),
      this.#list('conflicts', record.conflicts, this.#carried.conflicts),
      this.#list('build-depends', record.buildDepends, this.#carried.buildDepends),
    ].join('');
    this.#isFirst = false;
    this.#depends = record.depends;
    this.#carried = install === undefined ? record : NOTHING;
    return text;
  }

  #versionAndArchives(record: VersionRecord, where: string): string {
    const { version, install, source, sourceName } = record;
    const carried = this.#carried;
    const versionLine = `version: ${word(version, where)}\n`;
    const installLines = install === undefined ? '' : archiveLines('install', install, where);
    // Only a `source:` line makes the reader forget a `Source:` line above it.
    const repeats = carried.sourceName !== undefined && sourceName === undefined;
    let text = versionLine + installLines;
    if (source !== undefined && (repeats || !isSameSource(source, carried.source))) {
      if (source.packageName !== sourcePackageName(this.#name))
        refuse(where, `its source cannot be in ${source.packageName}`);
      if (source.archive.md5 !== undefined && source.archive.sha512 !== undefined) {
        refuse(where, 'a source archive has one digest');
      }
      const sourceLine = archiveLines('source', source.archive, where);
      if (source.version === version) text += sourceLine;
      else if (source.version === carried.version) text = sourceLine + text;
      else text = `version: ${word(source.version, where)}\n${sourceLine}${text}`;
    } else if (source === undefined && (carried.source !== undefined || repeats)) {
      refuse(where, 'it would inherit the source of the section above, which has no binary archive');
    }
    if (sourceName !== undefined) text += `Source: ${word(sourceName, where)}\n`;
    return text;
  }

  #provides({ provides, obsoletes }: VersionRecord): string {
    if (!this.#hadProvides && isSameList(provides, obsoletes)) return '';
    const text = this.#hadProvides
      ? this.#list('provides', provides, this.#carried.provides)
      : this.#listLine('provides', provides);
    this.#hadProvides = true;
    return text;
  }

  #list(key: string, list: readonly Dependency[], carried: readonly Dependency[]): string {
    return list.length === 0 && carried.length === 0 ? '' : this.#listLine(key, list);
  }

  #listLine(key: string, list: readonly Dependency[]): string {
    const where = `package ${this.#name}: ${key}`;
    if (distinct(list) !== list) refuse(where, 'it has an entry twice');
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
  if (op === undefined || version === undefined) return refuse(where, 'a criterion has an operator and a version');
  return `${written} (${op} ${word(version, where)})`;
}

/** One line, or two where an archive has both digests. */
function archiveLines(key: 'install' | 'source', { path, sizeBytes, md5, sha512 }: Archive, where: string): string {
  if ((sizeBytes | 0) !== sizeBytes) refuse(where, `${sizeBytes} is no size of 32 bits`);
  if (md5 === undefined && sha512 === undefined) refuse(where, 'an archive needs a digest');
  if (md5 !== undefined && !/^[0-9a-f]{32}$/.test(md5)) refuse(where, `\`${md5}\` is no md5 digest`);
  if (sha512 !== undefined && !/^[0-9a-f]{128}$/.test(sha512)) refuse(where, `\`${sha512}\` is no sha512 digest`);
  const start = `${key}: ${word(path, where)} ${sizeBytes}`;
  return [md5, sha512].map((digest) => (digest === undefined ? '' : `${start} ${digest}\n`)).join('');
}

function words(all: readonly string[], where: string): string {
  return all.map((one) => word(one, where)).join(' ');
}

/** Bare where setup reads it as one word, else in quotes. */
function word(text: string, where: string): string {
  const bits = commonClasses(text);
  const isBare = text !== '' && bits !== 0 && !isDigest(text.length, bits) && !KEYWORDS.has(text);
  return isBare ? text : quoted(text, where);
}

function quoted(text: string, where: string): string {
  if (/["\0\p{Surrogate}]/u.test(text)) refuse(where, 'a text can hold neither quotes nor NUL nor half a character');
  return `"${text}"`;
}

function refuseRepeats(all: readonly string[], where: string): void {
  if (new Set(all).size < all.length) refuse(where, 'one stands there twice');
}

function refuse(where: string, why: string): never {
  throw new CygstrapError('usage', `cannot be written as setup.ini: ${where}: ${why}`);
}
