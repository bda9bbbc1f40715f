import { CygstrapError } from '../errors.ts';
import { printIndex } from '../core/setup-ini/print.ts';
import type { Archive, IndexHeader, PackageRecord, VersionRecord } from '../core/setup-ini/records.ts';
import { digestOf } from './files/archive-file.ts';
import { SUBSET_MARK } from './files/layout.ts';
import type { VerifiedFile } from './verified.ts';

/** An index of what a repo has. */
export interface SubsetIndex {
  /** As setup reads it. */
  readonly text: string;
  readonly packages: number;
  readonly versions: number;
}

export interface SubsetRequest {
  readonly header: IndexHeader;
  /** Of the whole index; the order stays. */
  readonly records: Iterable<PackageRecord>;
  /** Versions to list, by package name; none: all that are there. */
  readonly chosen?: ReadonlyMap<string, ReadonlySet<string>>;
  readonly files: readonly VerifiedFile[];
}

/** Writes the index of those versions whose archive is among the verified files, with the digest that the index promises; the
 *  source of a version stays when its file is there too, and a version that has nothing else goes by its source. Records and headers are otherwise as they were; the same input gives the
 *  same text. Throws `repo` for a chosen version that cannot be listed. */
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
          (wanted === undefined || wanted.has(version)) && isThere(install ?? source?.archive, verified),
      )
      .map((version) => withoutAbsentSource(version, verified));
    for (const { version } of versions) missing.get(record.name)?.delete(version);
    if (versions.length === 0) continue;
    kept.push({ ...record, versions });
    count += versions.length;
  }
  const [absent] = [...missing].flatMap(([name, versions]) => [...versions].map((version) => `${name} ${version}`));
  if (absent !== undefined) {
    throw new CygstrapError('repo', `the index cannot list ${absent}: the repo has no verified archive of it`, {
      details: { package: absent },
    });
  }
  return {
    text: `${SUBSET_MARK}\n${printIndex(header, kept)}`,
    packages: new Set(kept.map(({ name }) => name)).size,
    versions: count,
  };
}

function isThere(archive: Archive | undefined, verified: ReadonlyMap<string, VerifiedFile>): boolean {
  const file = archive === undefined ? undefined : verified.get(archive.path);
  if (archive === undefined || file === undefined || file.sizeBytes !== archive.sizeBytes) return false;
  const { digest } = file;
  return digest === undefined ? digestOf(archive) === undefined : archive[digest.algorithm] === digest.hex;
}

function withoutAbsentSource(version: VersionRecord, verified: ReadonlyMap<string, VerifiedFile>): VersionRecord {
  if (version.source === undefined || isThere(version.source.archive, verified)) return version;
  const { source: _, ...rest } = version;
  return rest;
}
