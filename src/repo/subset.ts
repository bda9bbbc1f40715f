import { CygstrapError } from '../errors.ts';
import { printIndex } from '../core/setup-ini/print.ts';
import type { Archive, IndexHeader, PackageRecord, VersionRecord } from '../core/setup-ini/records.ts';
import { digestOf } from './files/archive-file.ts';
import { SUBSET_MARK } from './files/layout.ts';
import type { VerifiedFile } from './verified.ts';

/** An index that lists only what a repo has. */
export interface SubsetIndex {
  /** The content of `setup.ini`. */
  readonly text: string;
  readonly packages: number;
  readonly versions: number;
}

export interface SubsetRequest {
  readonly header: IndexHeader;
  /** Records of the whole index, in the order of the result. */
  readonly records: Iterable<PackageRecord>;
  /** Versions to list, by package name; by default all whose archive exists. */
  readonly chosen?: ReadonlyMap<string, ReadonlySet<string>>;
  readonly files: readonly VerifiedFile[];
}

/** Prints the index of the versions whose archive is among the verified files, with the digest of the index. The source
 *  of a version is listed if its file is verified, too; a version without a binary archive is listed for its source.
 *  Records and headers are otherwise unchanged. Deterministic. Throws `repo` for a chosen version that has no verified
 *  archive. */
export function subsetIndex({ header, records, chosen, files }: SubsetRequest): SubsetIndex {
  const verified = new Map<string, VerifiedFile>(files.map((file) => [file.path, file]));
  const missing = new Map([...(chosen ?? [])].map(([name, versions]) => [name, new Set(versions)]));
  const kept: PackageRecord[] = [];
  let count = 0;
  for (const record of records) {
    const wanted = chosen?.get(record.name);
    if (chosen !== undefined && wanted === undefined) continue;
    const versions = record.versions
      .filter(
        ({ version, install, source }) =>
          (wanted === undefined || wanted.has(version)) && isVerified(install ?? source?.archive, verified),
      )
      .map((version) => withoutAbsentSource(version, verified));
    for (const { version } of versions) missing.get(record.name)?.delete(version);
    if (versions.length === 0) continue;
    kept.push({ ...record, versions });
    count += versions.length;
  }
  const [absent] = [...missing].flatMap(([name, versions]) => [...versions].map((version) => `${name} ${version}`));
  if (absent !== undefined) {
    throw new CygstrapError('repo', `cannot list ${absent} in the index: the repo has no verified archive of it`, {
      details: { package: absent },
    });
  }
  return {
    text: `${SUBSET_MARK}\n${printIndex(header, kept)}`,
    packages: new Set(kept.map(({ name }) => name)).size,
    versions: count,
  };
}

function isVerified(archive: Archive | undefined, verified: ReadonlyMap<string, VerifiedFile>): boolean {
  const file = archive === undefined ? undefined : verified.get(archive.path);
  if (archive === undefined || file === undefined || file.sizeBytes !== archive.sizeBytes) return false;
  const { digest } = file;
  return digest === undefined ? digestOf(archive) === undefined : archive[digest.algorithm] === digest.hex;
}

function withoutAbsentSource(version: VersionRecord, verified: ReadonlyMap<string, VerifiedFile>): VersionRecord {
  if (version.source === undefined || isVerified(version.source.archive, verified)) return version;
  const { source: _, ...rest } = version;
  return rest;
}
