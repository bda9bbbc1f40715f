import { describe, expect, test } from 'vitest';
import { Catalog } from '../../src/core/catalog/catalog.ts';
import { dotText } from '../../src/report/dot.ts';
import { planJson } from '../../src/report/json.ts';
import { nixString, nixText } from '../../src/report/nix.ts';
import { tableText } from '../../src/report/table.ts';
import { columns, countText, sizeText } from '../../src/report/text.ts';
import { treeText } from '../../src/report/tree.ts';
import { urlsText } from '../../src/report/urls.ts';
import type { Plan, ResolveRequest } from '../../src/core/resolve/plan.ts';
import { EMPTY_REQUEST } from '../../src/core/resolve/request.ts';
import { resolve } from '../../src/core/resolve/resolve.ts';
import { parseText } from '../../src/core/setup-ini/parser/parse.ts';

const MD5 = '0123456789abcdef0123456789abcdef';

/** Makes a plan from short text: `name[=version] size: requirements` a line. */
function planOf(lines: readonly string[], request: Partial<ResolveRequest>): Plan {
  const blocks = lines.map((line) => {
    const [, name = '', version = '1-1', size = '', requires = ''] =
      /^(\S+?)(?:=(\S+))? (-?\d+):(.*)$/.exec(line) ?? [];
    const file = `release/${name}-${version}.tar.xz`;
    return (
      `@ ${name}\ncategory: Misc\nversion: ${version}\ninstall: ${file} ${size} ${MD5}\nsource: ${file}` +
      `.src 7 ${MD5}\n${requires.trim() === '' ? '' : `requires: ${requires}\n`}`
    );
  });
  const { header, records } = parseText(blocks.join('\n'), { file: 'test' });
  const result = resolve(Catalog.build([{ name: 'test', header, records }]), {
    ...EMPTY_REQUEST,
    base: false,
    ...request,
  });
  if (result.kind === 'conflict') throw new Error(result.conflicts[0]?.message);
  return result.plan;
}

const SMALL = planOf(['a 1500: b', 'b 10:'], { packages: ['a'] });

describe('text', () => {
  test.each([
    [-2147483648, '-2147483648 B'],
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1048524, '1023.9 KiB'],
    [1048576 - 1, '1.0 MiB'],
    [23 * 1024 * 1024, '23.0 MiB'],
    [3 * 1024 ** 3, '3.0 GiB'],
    [5000 * 1024 ** 4, '5000.0 TiB'],
  ])('%d bytes are %s', (sizeBytes, text) => {
    expect(sizeText(sizeBytes)).toBe(text);
  });

  test('counts agree with their noun', () => {
    expect([countText(0, 'package'), countText(1, 'package'), countText(2, 'entry', 'entries')]).toEqual([
      '0 packages',
      '1 package',
      '2 entries',
    ]);
  });

  test('a control character in a cell is visible, and the row stays one line', () => {
    expect(columns([['a\u009b\nb', 'x'], ['c']])).toBe('a\\u{9b}\\u{a}b  x\nc\n');
  });

  test('columns line up, without blanks at the end', () => {
    expect(
      columns(
        [
          ['a', '1', 'x'],
          ['bcd', '22'],
          ['e', '', 'y'],
        ],
        [1],
      ),
    ).toBe('a     1  x\nbcd  22\ne        y\n');
    expect(columns([])).toBe('');
  });
});

describe('a plan', () => {
  test('of nothing', () => {
    const plan = planOf(['a 1:'], {});
    expect(tableText(plan)).toBe('0 packages, 0 B to download\n');
    expect(treeText(plan)).toBe('0 packages, 0 B to download\n');
    expect(urlsText(plan)).toBe('');
    expect(nixText(plan)).toBe('[\n]\n');
  });

  test('as a tree, with a cycle among requests and a package that needs itself', () => {
    const plan = planOf(['a 1: a b c', 'b 1: c', 'c 1: b', 'd 1: a'], { packages: ['d'] });
    expect(treeText(plan).split('\n').slice(0, -2)).toEqual([
      'd 1-1 [requested]',
      '└── a 1-1',
      '    ├── b 1-1',
      '    │   └── c 1-1',
      '    │       └── b 1-1 (cycle)',
      '    └── c 1-1 (above)',
    ]);
  });

  test('with sources: each path once, totals counted', () => {
    const plan = planOf(['a 1500: b', 'b 10:'], { packages: ['a'], source: true });
    expect(urlsText(plan, 'http://s/c')).toBe(
      'http://s/c/release/b-1-1.tar.xz\nhttp://s/c/release/b-1-1.tar.xz.src\n' +
        'http://s/c/release/a-1-1.tar.xz\nhttp://s/c/release/a-1-1.tar.xz.src\n',
    );
    expect(tableText(plan).split('\n')).toEqual([
      'PACKAGE  VERSION  SECTION     SIZE  SOURCE  REASON',
      'b        1-1      curr        10 B     7 B  dependency',
      'a        1-1      curr     1.5 KiB     7 B  requested',
      '2 packages, 1.5 KiB to download',
      '',
    ]);
  });

  test('as an update, with removed and orphaned packages', () => {
    const installed = [
      { name: 'a', version: '0.9-1', picked: true },
      { name: 'gone', version: '1-1', picked: false },
    ];
    const rows = tableText(planOf(['a 1500:', 'b 1:'], { packages: ['b'], installed })).split('\n');
    expect(rows).toContain('a        1-1      curr     1.5 KiB  upgrade from 0.9-1  dependency');
    expect(rows).toContain('b        1-1      curr         1 B  install             requested');
    expect(rows).toContain('orphaned: gone 1-1');
  });

  test('for Nix, by md5 where that is all there is', () => {
    expect(nixText(SMALL, 'http://s/')).toBe(
      `[\n  { url = "http://s/release/b-1-1.tar.xz"; md5 = "${MD5}"; }\n  { url = ` +
        `"http://s/release/a-1-1.tar.xz"; md5 = "${MD5}"; }\n]\n`,
    );
  });

  test.each([
    ['plain', '"plain"'],
    ['a"b\\c', '"a\\"b\\\\c"'],
    ['${x}', '"\\${x}"'],
    ['$${x}', '"$\\${x}"'],
    ['\n\r\t', '"\\n\\r\\t"'],
  ])('Nix string of %j', (text, quoted) => {
    expect(nixString(text)).toBe(quoted);
  });

  test('for Graphviz, whatever the name', () => {
    const plan = planOf(['a\\ 1: b', 'b 1:'], { packages: ['a\\'] });
    expect(dotText(plan)).toContain('  "a\\\\" [label="a\\\\\\n1-1" peripheries=2];\n');
    expect(dotText(plan)).toContain('  "a\\\\" -> "b";\n');
  });

  test('as JSON: sizes, digests, reasons', () => {
    const summary = {
      name: 'x',
      release: null,
      arch: null,
      timestamp: null,
      setupVersion: null,
      sha512: 'f'.repeat(128),
    };
    const json = planJson(SMALL, [summary, { ...summary, name: 'y' }]);
    expect(json.index).toEqual(summary);
    expect(json.indexes).toHaveLength(2);
    expect(json.packages[1]).toEqual({
      name: 'a',
      version: '1-1',
      section: 'curr',
      archive: { path: 'release/a-1-1.tar.xz', size: 1500, md5: MD5 },
      reason: 'requested',
      requiredBy: [],
      action: 'install',
      index: 0,
    });
    expect(json.totals).toEqual({ packages: 2, downloadBytes: 1510 });
  });
});
