import { compareVersions } from '../version/compare.ts';
import { show, type Diagnostic, type DiagnosticCode } from './diagnostics.ts';
import { archivePathFaults } from './paths.ts';
import type { Archive, IndexHeader, PackageRecord, VersionRecord } from './records.ts';

/** Names that setup itself provides: its virtual packages for the Windows version and for category Base.
 *  Source: cygwin-setup package_db.cc `makeWindows`, `makeBase`. */
const BUILT_IN_NAMES = ['_windows', 'base'];

/** Top-level directories of archive paths that name an architecture. */
const ARCHITECTURES: ReadonlySet<string> = new Set(['x86', 'x86_64', 'aarch64']);

type Report = (code: DiagnosticCode, line: number, message: string) => void;

/** Finds problems that setup accepts without a message. Returns warnings in the order of the index. Records of one name
 *  are one package, as in setup. Checks only whether a required name exists, here or in the records of the indexes that
 *  are merged with this one; the resolver checks version criteria. */
export function lintRecords(
  header: IndexHeader,
  records: readonly PackageRecord[],
  { file = 'setup.ini', beside = [] }: { readonly file?: string; readonly beside?: readonly PackageRecord[] } = {},
): Diagnostic[] {
  const found: Diagnostic[] = [];
  const report: Report = (code, line, message) => {
    found.push({ severity: 'warning', code, message, file, line, column: 1 });
  };
  const packages = new Map<string, PackageRecord[]>();
  for (const record of records) {
    const blocks = packages.get(record.name);
    if (blocks === undefined) packages.set(record.name, [record]);
    else blocks.push(record);
  }
  const provided = providedNames([...records, ...beside]);
  const hasSha512 = records.some((record) => record.versions.some((version) => version.install?.sha512 !== undefined));
  for (const [name, blocks] of packages) {
    for (const block of blocks.slice(1))
      report('duplicate-package', block.line, `duplicate block of package ${show(name)}`);
    const versions = blocks.flatMap((block) => block.versions);
    lintVersions(name, blocks[0]?.line ?? 0, versions, report);
    lintRequirements(name, versions, { provided, report });
    for (const version of versions) {
      for (const archive of [version.install, version.source?.archive]) {
        if (archive !== undefined) lintArchive(archive, version.line, { header, hasSha512, report });
      }
    }
  }
  return found.sort((a, b) => a.line - b.line);
}

function providedNames(records: readonly PackageRecord[]): ReadonlySet<string> {
  const names = new Set(BUILT_IN_NAMES);
  for (const { name, versions } of records) {
    for (const version of versions) {
      if (version.install === undefined) continue;
      names.add(name);
      for (const one of version.provides) names.add(one.name);
    }
  }
  return names;
}

function lintVersions(name: string, line: number, versions: readonly VersionRecord[], report: Report): void {
  const installable = versions.filter((version) => version.install !== undefined);
  if (installable.length === 0 && !versions.some((version) => version.source !== undefined)) {
    report('not-installable', line, `package ${show(name)} has no installable version`);
  }
  lintEqualVersions(name, installable, report);
  const current = installable.filter((version) => version.stability === 'curr').map((version) => version.version);
  const highest = current.toSorted(compareVersions).at(-1);
  if (highest === undefined) return;
  for (const { version, stability, line: at } of installable) {
    if (stability !== 'prev' || compareVersions(version, highest) <= 0) continue;
    report('prev-above-curr', at, `setup prefers [prev] ${show(version)} of ${show(name)} to [curr] ${show(highest)}`);
  }
}

/** Setup stores the versions of a package in a set in RPM order, so equal versions collide, also in different
 *  spellings. */
function lintEqualVersions(name: string, versions: readonly VersionRecord[], report: Report): void {
  const sorted = versions.toSorted((a, b) => compareVersions(a.version, b.version) || a.line - b.line);
  for (const [at, later] of sorted.entries()) {
    const earlier = sorted[at - 1];
    if (earlier === undefined || compareVersions(earlier.version, later.version) !== 0) continue;
    const other = `${show(earlier.version)} in line ${earlier.line}`;
    const which = `version ${show(later.version)} of ${show(name)} equals ${other}`;
    if (earlier.stability === 'curr' && later.stability === 'prev' && earlier.version === later.version) {
      report('dangling-curr', later.line, `${which}: setup loses the [curr] version`);
    } else {
      report('duplicate-version', later.line, which);
    }
  }
}

function lintRequirements(
  name: string,
  versions: readonly VersionRecord[],
  { provided, report }: { provided: ReadonlySet<string>; report: Report },
): void {
  const reported = new Set<string>();
  for (const { version, depends, line, install } of versions) {
    if (install === undefined) continue;
    for (const required of depends) {
      if (provided.has(required.name) || reported.has(required.name)) continue;
      reported.add(required.name);
      report(
        'unmet-requirement',
        line,
        `${show(`${name} ${version}`)} requires ${show(required.name)}, which nothing provides`,
      );
    }
  }
}

function lintArchive(
  { path, sizeBytes, sha512 }: Archive,
  line: number,
  { header, hasSha512, report }: { header: IndexHeader; hasSha512: boolean; report: Report },
): void {
  for (const fault of archivePathFaults(path)) report('hostile-path', line, `the path ${show(path)} ${fault}`);
  const architecture = path.slice(0, Math.max(0, path.indexOf('/')));
  if (header.arch !== undefined && ARCHITECTURES.has(architecture) && architecture !== header.arch) {
    report('foreign-arch', line, `${show(path)} is not for ${show(header.arch)}`);
  }
  if (sizeBytes < 0) {
    report(
      'size-negative',
      line,
      `setup reads the size of ${show(path)} as ${sizeBytes}, which matches no file: size of 2 GiB or more`,
    );
  } else if (sizeBytes === 0) {
    report('size-zero', line, `${show(path)} has size 0`);
  }
  if (hasSha512 && sha512 === undefined) report('weak-digest', line, `${show(path)} has only an md5 digest`);
}
