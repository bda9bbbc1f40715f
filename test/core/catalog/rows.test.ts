import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CatalogBuilder, type Catalog } from '../../../src/core/catalog/catalog.ts';
import { RowParser, SetupIniParser } from '../../../src/core/setup-ini/parser/parse.ts';
import { SEED } from '../../support/seed.ts';
import { fixtures, randomCuts, randomFrom } from '../setup-ini/support.ts';

const REAL = '../shared/data/setup-ini/2025-08-02_x86_64_setup.xz';

/** Returns a catalog of indexes that arrive in one reused buffer, cut at `cuts`. */
function catalogOf(
  Parser: typeof RowParser | typeof SetupIniParser,
  indexes: readonly Uint8Array[],
  cuts: readonly number[],
): Catalog {
  const builder = new CatalogBuilder();
  indexes.forEach((bytes, i) => {
    const parser = new Parser({ file: `index ${i}`, ourSetupVersion: '99' });
    const buffer = new Uint8Array(bytes.length);
    const add = (packages: ReturnType<typeof parser.push>): void => {
      for (const pkg of packages) builder.add(pkg, parser.header.release);
    };
    let from = 0;
    for (const to of [...cuts.filter((cut) => cut < bytes.length), bytes.length]) {
      buffer.set(bytes.subarray(from, to));
      add(parser.push(buffer.subarray(0, to - from)));
      buffer.fill(0);
      from = to;
    }
    add(parser.end());
    builder.endIndex(`index ${i}`, parser.header);
  });
  return builder.finish();
}

/** Returns the whole content of a catalog as plain data. */
function contents(catalog: Catalog): unknown {
  const seen = catalog.versions().map((each) => {
    const { name, version, stability, record, archive, index, rank } = each;
    const source = catalog.sourceOf(each);
    expect(record).toBe(each.record);
    return { name, version, stability, record, archive, index, rank, source };
  });
  const packages = [...catalog.packages.values()].map(({ versions, ...pkg }) => ({
    ...pkg,
    versions: versions.map(({ rank }) => rank),
  }));
  const named = new Set(
    seen.flatMap(({ record }) => [...record.provides, ...record.obsoletes].map(({ name }) => name)),
  );
  const offers = [...named].map((name) => [
    name,
    catalog.providersOf(name).map(({ rank }) => rank),
    catalog.obsoletersOf(name).map(({ rank }) => rank),
  ]);
  const ownSources = packages.map(({ name }) =>
    seen.filter((each) => each.name === name).map(({ version }) => catalog.source(`${name}-src`, version)),
  );
  return { headers: catalog.headers, packages, versions: seen, offers, ownSources };
}

describe('a catalog from rows equals one from records', () => {
  it.each(fixtures('accept'))('$name', ({ bytes }) => {
    const random = randomFrom(SEED);
    for (const cuts of [[], ...Array.from({ length: 5 }, () => randomCuts(bytes.length, random))]) {
      const expected = contents(catalogOf(SetupIniParser, [bytes], cuts));
      expect(contents(catalogOf(RowParser, [bytes], cuts))).toEqual(expected);
    }
  });

  it('several indexes with common packages', () => {
    const all = fixtures('accept').map(({ bytes }) => bytes);
    const expected = contents(catalogOf(SetupIniParser, [...all, ...all], [1000]));
    expect(contents(catalogOf(RowParser, [...all, ...all], [1000]))).toEqual(expected);
  });

  it.skipIf(!existsSync(REAL))('a real index (skipped without ../shared/data)', () => {
    const bytes = execFileSync('xz', ['-dc', REAL], { maxBuffer: 1 << 28 });
    const cuts = Array.from({ length: Math.floor(bytes.length / 100_003) }, (_, at) => (at + 1) * 100_003);
    const text = (Parser: typeof RowParser | typeof SetupIniParser): string => {
      const catalog = catalogOf(Parser, [bytes], cuts);
      return JSON.stringify(catalog.versions().map((each) => [each.rank, each.record, catalog.sourceOf(each)]));
    };
    expect(text(RowParser) === text(SetupIniParser)).toBe(true);
  });
});
