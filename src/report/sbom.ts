import type { ReportData, ReportPackage } from './page-data.ts';

/** What a software bill of materials says besides the packages of a report. */
export interface SbomFacts {
  /** Version of cygstrap. */
  readonly version: string;
  /** Date of the newest index, as `2025-01-01T00:00:00Z`. */
  readonly created: string;
  /** SHA-256 of the content, 64 hexadecimal digits: the same content has the same identity. */
  readonly digest: string;
}

/** Returns the packages that were asked for: by the request or because of category Base; all of a list. */
export function rootsOf({ packages }: ReportData): readonly ReportPackage[] {
  return packages.filter(({ reason }) => reason !== 'dependency');
}

/** Returns the package URL of an archive. Cygwin has no type of its own there, so that it is `generic`.
 *  Source: package-url specification, purl-spec `how-to-build`. */
export function purlOf({ name, version, archive: { sha512, md5 } }: ReportPackage): string {
  const checksum = sha512 === undefined ? md5 && `md5:${md5}` : `sha512:${sha512}`;
  return `pkg:generic/${encoded(name)}@${encoded(version)}${checksum === undefined ? '' : `?checksum=${checksum}`}`;
}

/** Percent-encodes all but letters, digits and `.-_~:`. */
function encoded(text: string): string {
  return encodeURIComponent(text)
    .replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%3A', ':');
}
