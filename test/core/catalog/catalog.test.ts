import { describe, expect, it } from 'vitest';
import { Catalog } from '../../../src/core/catalog/catalog.ts';
import { parseText } from '../../../src/core/setup-ini/parser/parse.ts';

const HASH = 'a'.repeat(32);

function version(number: string, lines: readonly string[] = [], section?: string): string {
  return [
    ...(section === undefined ? [] : [`[${section}]`]),
    `version: ${number}`,
    `install: p-${number}.tar.xz 1 ${HASH}`,
    ...lines,
  ].join('\n');
}

function block(name: string, ...lines: readonly string[]): string {
  return `@ ${name}\n${lines.join('\n')}\n`;
}

function catalogOf(...indexes: readonly { readonly release?: string; readonly text: string }[]): Catalog {
  return Catalog.build(
    indexes.map(({ release, text }, i) => {
      const { header, records } = parseText(`${release === undefined ? '' : `release: ${release}\n\n`}${text}`, {
        file: `index ${i}`,
      });
      return { name: `index ${i}`, header, records };
    }),
  );
}

const numbers = (catalog: Catalog, name: string): string[] =>
  (catalog.packages.get(name)?.versions ?? []).map(({ record, index }) => `${record.version}@${index}`);

describe('several indexes', () => {
  it('merge versions and categories; the later description counts', () => {
    const catalog = catalogOf(
      { release: 'cygwin', text: block('p', 'sdesc: "first"', 'category: Libs Devel', version('1-1')) },
      { release: 'ports', text: block('p', 'sdesc: "second"', 'category: devel Net', version('2-1')) },
    );
    expect(numbers(catalog, 'p')).toEqual(['1-1@0', '2-1@1']);
    expect(catalog.packages.get('p')).toMatchObject({ sdesc: 'second', categories: ['Libs', 'Devel', 'Net'] });
  });

  it('of one release: a later record of the same version replaces the earlier', () => {
    const catalog = catalogOf(
      { release: 'cygwin', text: block('p', version('1-1')) },
      { release: 'cygwin', text: block('p', version('1-1')) },
    );
    expect(numbers(catalog, 'p')).toEqual(['1-1@1']);
    expect(catalog.versions().map(({ index }) => index)).toEqual([1]);
  });

  it('of different releases: both stay, and `name=version` selects the later', () => {
    const catalog = catalogOf(
      { release: 'cygwin', text: block('p', version('1-1')) },
      { release: 'ports', text: block('p', version('1-1')) },
    );
    expect(numbers(catalog, 'p')).toEqual(['1-1@0', '1-1@1']);
    expect(catalog.find('p', '1-1')?.index).toBe(1);
  });
});

describe('one index', () => {
  it('lists a version equal in order to another, but `name=version` does not find it', () => {
    const catalog = catalogOf({ text: block('p', version('1.5-1'), version('1.05-1', [], 'prev')) });
    expect(numbers(catalog, 'p')).toEqual(['1.5-1@0', '1.05-1@0']);
    expect(catalog.find('p', '1.5-1')?.record.section).toBe('curr');
    expect(catalog.find('p', '1.05-1')).toBeUndefined();
  });

  it('excludes packages without a binary archive', () => {
    const catalog = catalogOf({ text: block('p', 'version: 1-1', `source: p-src.tar.xz 1 ${HASH}`) });
    expect(catalog.packages.has('p')).toBe(false);
    expect(catalog.source('p-src', '1-1')).toMatchObject({ name: 'p-src', version: '1-1' });
  });

  it('finds the source by the `source:` line, else by the `Source:` line and the same version', () => {
    const catalog = catalogOf({
      text: [
        block('lib', version('2-1', ['Source: app-src'])),
        block('app', version('2-1', [`source: app-2-src.tar.xz 1 ${HASH}`]), version('1-1', [], 'prev')),
        block('lone', version('9-1', ['Source: app-src'])),
      ].join('\n'),
    });
    const sourceOf = (name: string, number: string): string | undefined => {
      const found = catalog.find(name, number);
      return found === undefined ? undefined : catalog.sourceOf(found)?.archive.path;
    };
    expect(sourceOf('lib', '2-1')).toBe('app-2-src.tar.xz');
    expect(sourceOf('app', '2-1')).toBe('app-2-src.tar.xz');
    expect(sourceOf('app', '1-1')).toBeUndefined();
    expect(sourceOf('lone', '9-1')).toBeUndefined();
  });

  it('finds providers and obsoleters by name, each version once', () => {
    const catalog = catalogOf({
      text: [
        block('new', version('2-1', ['obsoletes: old (< 2), old']), version('1-1', [], 'prev')),
        block('tool', version('1-1', ['provides: old, thing'])),
      ].join('\n'),
    });
    expect(catalog.providersOf('old').map(({ name, record }) => `${name} ${record.version}`)).toEqual([
      'new 2-1',
      'tool 1-1',
    ]);
    expect(catalog.obsoletersOf('old').map(({ name, record }) => `${name} ${record.version}`)).toEqual(['new 2-1']);
    expect(catalog.providersOf('nothing')).toEqual([]);
  });

  it('lists packages without a category in Orphaned, and all in All', () => {
    const catalog = catalogOf({
      text: [block('a', 'category: Libs', version('1-1')), block('b', version('1-1'))].join('\n'),
    });
    expect(catalog.categories()).toEqual(['Libs', 'Orphaned']);
    expect(catalog.category('libs').map(({ name }) => name)).toEqual(['a']);
    expect(catalog.category('Orphaned').map(({ name }) => name)).toEqual(['b']);
    expect(catalog.category('All').map(({ name }) => name)).toEqual(['a', 'b']);
  });

  it.each([
    [
      'the highest of the current ones',
      [version('1-1'), version('2-1', [], 'curr'), version('9-1', [], 'prev')],
      '2-1',
    ],
    [
      'else the highest that is no test version',
      [version('1-1', [], 'prev'), version('3-1', [], 'prev'), version('9-1', [], 'test')],
      '3-1',
    ],
    ['else the highest', [version('1-1', [], 'test'), version('9-1', [], 'exp')], '9-1'],
  ])('calls current %s', (_, versions, expected) => {
    const catalog = catalogOf({ text: block('p', ...versions) });
    const pkg = catalog.packages.get('p');
    expect(pkg === undefined ? undefined : catalog.current(pkg)?.record.version).toBe(expected);
  });
});
