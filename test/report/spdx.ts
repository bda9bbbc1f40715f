import { expect } from 'vitest';
import { listOf, objectOf, oneOf, optional, parseShaped, textOf } from '../../src/core/json/shape.ts';
import type { Shape } from '../../src/core/json/shape.ts';

/** The parts of a document in SPDX 2.3 that reports have, as strict as the schema of SPDX and its text together: no
 *  field that is not listed, values of fixed sets and formats. Tests do not have the schema itself: no
 *  package of npm with it was found.
 *  Source: SPDX specification 2.3, clauses 6 (document), 7 (packages), 11 (relationships), annex F (references);
 *  `schemas/spdx-schema.json`. */
const ID = textOf(/^SPDXRef-[a-zA-Z0-9.-]+$/, 'an identifier of an element');
const LINE = textOf(/^[^\r\n]+$/, 'one line of text');
const DATE = textOf(/^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/, 'a date');

const checksum = objectOf({
  algorithm: oneOf(['MD5', 'SHA512']),
  checksumValue: textOf(/^(?:[0-9a-f]{32}|[0-9a-f]{128})$/, 'a digest in lower case'),
});

const isFalse: Shape<false> = (node) => {
  expect(node.value).toBe(false);
  return false;
};

const pkg = objectOf({
  SPDXID: ID,
  name: LINE,
  versionInfo: optional(LINE),
  packageFileName: optional(LINE),
  summary: optional(textOf(/./s, 'text')),
  downloadLocation: oneOf(['NOASSERTION']),
  // Otherwise a verification code of the files is required.
  filesAnalyzed: isFalse,
  checksums: optional(listOf(checksum)),
  externalRefs: optional(
    listOf(
      objectOf({
        referenceCategory: oneOf(['PACKAGE-MANAGER']),
        referenceType: oneOf(['purl']),
        referenceLocator: textOf(/^pkg:generic\/[^\s@?#]+@[^\s@?#]+(?:\?[^\s#]+)?$/, 'a package URL'),
      }),
    ),
  ),
});

const relationship = objectOf({
  spdxElementId: ID,
  relationshipType: oneOf(['DESCRIBES', 'CONTAINS', 'DEPENDS_ON']),
  relatedSpdxElement: ID,
});

const document = objectOf({
  spdxVersion: oneOf(['SPDX-2.3']),
  dataLicense: oneOf(['CC0-1.0']),
  SPDXID: oneOf(['SPDXRef-DOCUMENT']),
  name: LINE,
  documentNamespace: textOf(/^https:\/\/[^#\s]+$/, 'an address without fragment'),
  creationInfo: objectOf({ created: DATE, creators: listOf(textOf(/^Tool: \S+-\S+$/, 'a tool and its version')) }),
  packages: listOf(pkg),
  relationships: listOf(relationship),
});

type Parsed<S> = S extends Shape<infer T> ? T : never;

export type Spdx = Parsed<typeof document>;

/** Checks a document, and returns it. Throws if it is not valid. */
export function requireSpdx(text: string): Spdx {
  const parsed = parseShaped(text, document, { file: 'spdx.json', code: 'io', hint: '' });
  const { packages, relationships, creationInfo } = parsed;
  expect(creationInfo.creators).not.toEqual([]);
  const ids = ['SPDXRef-DOCUMENT', ...packages.map(({ SPDXID }) => SPDXID)];
  requireUnique(ids);
  for (const { checksums = [] } of packages) {
    for (const { algorithm, checksumValue } of checksums)
      expect(checksumValue).toHaveLength(algorithm === 'MD5' ? 32 : 128);
    requireUnique(checksums.map(({ algorithm }) => algorithm));
  }
  const known = new Set(ids);
  for (const { spdxElementId, relatedSpdxElement } of relationships) {
    expect([known.has(spdxElementId), known.has(relatedSpdxElement)]).toEqual([true, true]);
    expect(spdxElementId).not.toBe(relatedSpdxElement);
  }
  requireUnique(relationships.map((each) => Object.values(each).join(' ')));
  const described = relationships.filter(({ relationshipType }) => relationshipType === 'DESCRIBES');
  expect(described).toMatchObject([{ spdxElementId: 'SPDXRef-DOCUMENT' }]);
  const [root] = described.map(({ relatedSpdxElement }) => relatedSpdxElement);
  const contained = relationships.flatMap(({ spdxElementId, relationshipType, relatedSpdxElement }) =>
    spdxElementId === root && relationshipType === 'CONTAINS' ? [relatedSpdxElement] : [],
  );
  expect(contained.toSorted()).toEqual(
    ids
      .slice(1)
      .filter((id) => id !== root)
      .sort(),
  );
  return parsed;
}

function requireUnique(values: readonly string[]): void {
  expect(new Set(values).size).toBe(values.length);
}
