import type { ReportData, ReportPackage } from './page-data.ts';
import { purlOf, rootsOf } from './sbom.ts';
import type { SbomFacts } from './sbom.ts';

const DOCUMENT = 'SPDXRef-DOCUMENT';
const ROOT = 'SPDXRef-Installation';

/** Describes the packages of a report in SPDX 2.3. Dependencies are left out if they are unknown. */
export function spdx(data: ReportData, { version, created, digest }: SbomFacts) {
  const { title, packages, note } = data;
  // An identifier can have letters, digits, `.` and `-` only; the number makes it unique.
  const ids = new Map(
    packages.map(({ name }, i) => [name, `SPDXRef-${i + 1}-${name.replaceAll(/[^A-Za-z0-9.-]/g, '-')}`]),
  );
  const relate = (from: string, relationshipType: string, to: readonly (string | undefined)[]) =>
    to.flatMap((relatedSpdxElement) =>
      relatedSpdxElement === undefined ? [] : [{ spdxElementId: from, relationshipType, relatedSpdxElement }],
    );
  const dependencies = [
    ...relate(
      ROOT,
      'DEPENDS_ON',
      rootsOf(data).map(({ name }) => ids.get(name)),
    ),
    ...packages.flatMap(({ name, requires }) =>
      relate(
        ids.get(name) ?? '',
        'DEPENDS_ON',
        requires.map((to) => ids.get(to)),
      ),
    ),
  ];
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: DOCUMENT,
    name: title,
    documentNamespace: `https://spdx.org/spdxdocs/cygstrap-${digest}`,
    creationInfo: { created, creators: [`Tool: cygstrap-${version}`] },
    packages: [
      { SPDXID: ROOT, name: title, downloadLocation: 'NOASSERTION', filesAnalyzed: false },
      ...packages.map((pkg) => ({ SPDXID: ids.get(pkg.name), ...packageOf(pkg) })),
    ],
    relationships: [
      ...relate(DOCUMENT, 'DESCRIBES', [ROOT]),
      ...relate(ROOT, 'CONTAINS', [...ids.values()]),
      ...(note === null ? dependencies : []),
    ],
  };
}

function packageOf(pkg: ReportPackage) {
  const { name, version, summary, archive } = pkg;
  const checksums = [
    { algorithm: 'MD5', checksumValue: archive.md5 },
    { algorithm: 'SHA512', checksumValue: archive.sha512 },
  ].filter(({ checksumValue }) => checksumValue !== undefined);
  return {
    name,
    versionInfo: version,
    packageFileName: archive.path,
    ...(summary !== '' && { summary }),
    // A path that is the same on all mirrors.
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    ...(checksums.length > 0 && { checksums }),
    externalRefs: [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: purlOf(pkg) }],
  };
}
