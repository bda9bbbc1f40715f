import type { ReportData, ReportPackage } from './page-data.ts';
import { purlOf, rootsOf } from './sbom.ts';
import type { SbomFacts } from './sbom.ts';

const ROOT = 'installation';

/** Describes the packages of a report in CycloneDX 1.6. Dependencies are left out if they are unknown. */
export function cycloneDx(data: ReportData, { version, created, digest }: SbomFacts) {
  const { title, packages, note } = data;
  const refs = new Map(packages.map((pkg) => [pkg.name, refOf(pkg)]));
  const refsOf = (names: readonly string[]): string[] =>
    names.flatMap((name) => {
      const ref = refs.get(name);
      return ref === undefined ? [] : [ref];
    });
  const dependencies = [
    { ref: ROOT, dependsOn: rootsOf(data).map(refOf) },
    ...packages.map((pkg) => ({ ref: refOf(pkg), dependsOn: refsOf(pkg.requires) })),
  ];
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuidOf(digest)}`,
    version: 1,
    metadata: {
      timestamp: created,
      tools: { components: [{ type: 'application', name: 'cygstrap', version }] },
      component: { type: 'platform', 'bom-ref': ROOT, name: title },
    },
    components: packages.map(componentOf),
    ...(note === null && { dependencies }),
  };
}

function refOf({ name, version }: ReportPackage): string {
  return `${name}@${version}`;
}

function componentOf(pkg: ReportPackage) {
  const { name, version, summary, archive } = pkg;
  const hashes = [
    { alg: 'MD5', content: archive.md5 },
    { alg: 'SHA-512', content: archive.sha512 },
  ].filter(({ content }) => content !== undefined);
  return {
    type: 'library',
    'bom-ref': refOf(pkg),
    name,
    version,
    ...(summary !== '' && { description: summary }),
    ...(hashes.length > 0 && { hashes }),
    purl: purlOf(pkg),
    // Relative to a mirror: the content is the same on all.
    externalReferences: [{ type: 'distribution', url: archive.path.split('/').map(encodeURIComponent).join('/') }],
  };
}

/** Makes a UUID of version 8 from a digest. Source: RFC 9562, section 5.8. */
function uuidOf(digest: string): string {
  const variant = ((Number.parseInt(digest.slice(15, 16), 16) & 3) | 8).toString(16);
  return [
    digest.slice(0, 8),
    digest.slice(8, 12),
    `8${digest.slice(12, 15)}`,
    `${variant}${digest.slice(16, 19)}`,
    digest.slice(19, 31),
  ].join('-');
}
