import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Catalog } from '../../../src/core/catalog/catalog.ts';
import type { CatalogVersion } from '../../../src/core/catalog/versions.ts';
import { conflictText } from '../../../src/report/conflict.ts';
import { EMPTY_REQUEST } from '../../../src/core/resolve/request.ts';
import { resolve } from '../../../src/core/resolve/resolve.ts';
import type { Dependency, PackageRecord } from '../../../src/core/setup-ini/records.ts';
import { criteriaMeet, versionMeets } from '../../../src/core/version/criteria.ts';
import { SEED } from '../../support/seed.ts';

const NAMES = ['a', 'b', 'c', 'd', 'e'];
const VERSIONS = ['1-1', '2-1', '3-1'];

const dependency: fc.Arbitrary<Dependency> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ name: fc.constantFrom(...NAMES, 'v') }) },
  {
    weight: 1,
    arbitrary: fc.record({
      name: fc.constantFrom(...NAMES, 'v'),
      op: fc.constantFrom('=', '<', '>=', '>') as fc.Arbitrary<'='>,
      version: fc.constantFrom('1', '2', '2-1', '3'),
    }),
  },
);

const record = (name: string): fc.Arbitrary<PackageRecord> =>
  fc
    .record({
      isBase: fc.boolean(),
      versions: fc.uniqueArray(fc.constantFrom(...VERSIONS), { minLength: 1, maxLength: 2 }),
      depends: fc.array(fc.array(dependency, { maxLength: 2 }), { minLength: 3, maxLength: 3 }),
      conflicts: fc.array(fc.array(dependency, { maxLength: 1 }), { minLength: 3, maxLength: 3 }),
      obsoletes: fc.option(dependency, { freq: 5, nil: undefined }),
      provides: fc.option(fc.record({ name: fc.constant('v') }), { freq: 3, nil: undefined }),
    })
    .map(({ isBase, versions, depends, conflicts, obsoletes, provides }) => ({
      name,
      sdesc: '',
      ldesc: '',
      categories: isBase && name < 'c' ? ['Base'] : ['Libs'],
      replaceVersions: [],
      line: 0,
      versions: versions.map((version, i) => {
        const gone = i === 0 && obsoletes !== undefined ? [obsoletes] : [];
        return {
          version,
          stability: i === 0 ? 'curr' : 'prev',
          section: i === 0 ? 'curr' : 'prev',
          install: { path: `${name}-${version}`, sizeBytes: 1 },
          depends: depends[i] ?? [],
          conflicts: conflicts[i] ?? [],
          obsoletes: gone,
          provides: provides === undefined ? gone : [provides],
          buildDepends: [],
          line: 0,
        };
      }),
    }));

const universe = fc.tuple(...NAMES.map(record));

function provides(version: CatalogVersion, { name, op, version: wanted }: Dependency): boolean {
  const own =
    version.name === name &&
    (op === undefined ||
      wanted === undefined ||
      criteriaMeet({ op: '=', version: version.record.version }, { op, version: wanted }));
  return (
    own ||
    version.record.provides.some(
      (each) =>
        each.name === name &&
        (op === undefined ||
          wanted === undefined ||
          each.op === undefined ||
          each.version === undefined ||
          criteriaMeet({ op: each.op, version: each.version }, { op, version: wanted })),
    )
  );
}

function obsoletes(version: CatalogVersion, other: CatalogVersion): boolean {
  return version.record.obsoletes.some(
    ({ name, op, version: wanted }) =>
      other.name === name &&
      (op === undefined || wanted === undefined || versionMeets(other.record.version, { op, version: wanted })),
  );
}

/** What a set of versions must be like to be installed, written down without any cleverness. */
function isValid(set: readonly CatalogVersion[], wanted: readonly string[]): boolean {
  return (
    wanted.every((name) => set.some((each) => provides(each, { name }))) &&
    set.every(
      (each) =>
        each.record.depends.every((need) => set.some((other) => provides(other, need))) &&
        !each.record.conflicts.some((rival) => set.some((other) => other !== each && provides(other, rival))) &&
        !set.some((other) => other !== each && obsoletes(each, other)),
    )
  );
}

/** Tries every combination: for each package none or one of its versions. */
function exists(catalog: Catalog, wanted: readonly string[]): boolean {
  const choices = [...catalog.packages.values()].map(({ versions }) => [undefined, ...versions]);
  const search = (i: number, set: CatalogVersion[]): boolean => {
    const options = choices[i];
    if (options === undefined) return isValid(set, wanted);
    return options.some((version) => search(i + 1, version === undefined ? set : [...set, version]));
  };
  return search(0, []);
}

describe('random universes against trying everything', () => {
  it('a plan is valid and minimal; a refusal means that there is no plan', () => {
    let plans = 0;
    let refusals = 0;
    fc.assert(
      fc.property(universe, fc.subarray(NAMES, { minLength: 0, maxLength: 3 }), (records, packages) => {
        const catalog = Catalog.build([{ name: 'random', header: {}, records }]);
        const wanted = [...packages, ...catalog.category('Base').map(({ name }) => name)];
        const result = resolve(catalog, { ...EMPTY_REQUEST, packages });
        if (result.kind === 'conflict') {
          refusals++;
          expect(exists(catalog, wanted), result.conflicts.map(conflictText).join('\n')).toBe(false);
          for (const { steps, message } of result.conflicts)
            expect(`${message}${steps.map(({ text }) => text).join('')}`).not.toContain('undefined');
          return;
        }
        plans++;
        const set = result.plan.packages
          .map((each) => catalog.find(each.name, each.version))
          .filter((each) => each !== undefined);
        expect(set.length).toBe(result.plan.packages.length);
        expect(isValid(set, wanted)).toBe(true);
        for (const { name, reason, requiredBy } of result.plan.packages)
          expect(reason !== 'dependency' || requiredBy.length > 0, name).toBe(true);
      }),
      { seed: SEED, numRuns: 3000 },
    );
    // Both outcomes must be common, or the comparison shows little.
    expect(plans).toBeGreaterThan(500);
    expect(refusals).toBeGreaterThan(500);
  });
});
