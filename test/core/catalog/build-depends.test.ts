import { describe, expect, it } from 'vitest';
import { Catalog } from '../../../src/core/catalog/catalog.ts';
import { resolve } from '../../../src/core/resolve/resolve.ts';
import { parseText } from '../../../src/core/setup-ini/parser/parse.ts';

const HASH = 'a'.repeat(128);
const install = (name: string): string => `install: x86_64/release/${name}.tar.xz 10 ${HASH}\n`;
const source = (name: string): string => `source: x86_64/release/${name}-src.tar.xz 20 ${HASH}\n`;

/** As indexes of 2026: the list stands in the record of the source, which the line `srcpkg:` names. */
const SOURCE_RECORD = `@ alfa-src\nversion: 1.2-1\n${source('alfa-1.2')}build-depends: beta\n`;
const ALFA = `@ alfa\nversion: 1.2-1\n${install('alfa-1.2')}${source('alfa-1.2')}srcpkg: alfa-src\n`;
const LIBRARY = `@ libalfa1\nversion: 1.2-1\n${install('libalfa1')}${source('alfa-1.2')}srcpkg: alfa-src\n`;
const BETA = `@ beta\nversion: 1-1\n${install('beta')}`;

function buildDepends(name: string, ...blocks: readonly string[]): string[] | undefined {
  const parsed = parseText(blocks.join('\n'), { file: 'index' });
  const list = Catalog.build([{ name: 'index', ...parsed }]).buildDependsOf(name);
  return list?.map((each) => each.name);
}

describe('what is needed to build a package', () => {
  it.each([
    ['the package that has the name of the source', 'alfa'],
    ['another package of the same source', 'libalfa1'],
  ])('%s, in any order of records', (_title, name) => {
    expect(buildDepends(name, ALFA, LIBRARY, SOURCE_RECORD, BETA)).toEqual(['beta']);
    expect(buildDepends(name, SOURCE_RECORD, BETA, LIBRARY, ALFA)).toEqual(['beta']);
  });

  it('a source without a package of that name, with or without -src', () => {
    expect(buildDepends('alfa', SOURCE_RECORD, LIBRARY)).toEqual(['beta']);
    expect(buildDepends('alfa-src', SOURCE_RECORD, ALFA)).toEqual(['beta']);
  });

  it('the list of the package itself comes first', () => {
    expect(buildDepends('alfa', `${ALFA}build-depends: gamma\n`, SOURCE_RECORD)).toEqual(['gamma']);
  });

  it('the source of the current version counts, not that of another version', () => {
    const old = `@ alfa-src\nversion: 1.1-1\n${source('alfa-1.1')}build-depends: old\n`;
    expect(buildDepends('alfa', ALFA, old)).toEqual([]);
    expect(buildDepends('alfa', ALFA, old, SOURCE_RECORD)).toEqual(['beta']);
    const both = `${SOURCE_RECORD}[prev]\nversion: 1.1-1\n${source('alfa-1.1')}build-depends: old\n`;
    expect(buildDepends('alfa', both, LIBRARY)).toEqual(['beta']);
  });

  it('the source named by a `Source:` line', () => {
    const named = `@ tool\nversion: 1.2-1\n${install('tool')}Source: alfa-src\n`;
    expect(buildDepends('tool', named, SOURCE_RECORD)).toEqual(['beta']);
  });

  it('unknown without a package and a source; empty without a list', () => {
    expect(buildDepends('none', ALFA)).toBeUndefined();
    expect(buildDepends('alfa', ALFA)).toEqual([]);
    expect(buildDepends('beta', BETA)).toEqual([]);
  });

  it('a plan contains them', () => {
    const { header, records } = parseText([ALFA, SOURCE_RECORD, BETA].join('\n'), { file: 'index' });
    const result = resolve(Catalog.build([{ name: 'index', header, records }]), { buildDepends: ['alfa'] });
    expect(result.kind === 'plan' && result.plan.packages.map(({ name }) => name)).toEqual(['beta']);
  });
});
