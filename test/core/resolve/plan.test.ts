import { describe, expect, it } from 'vitest';
import { Catalog } from '../../../src/core/catalog/catalog.ts';
import { diffCatalogs, diffPlans } from '../../../src/core/resolve/diff.ts';
import { dependencyText } from '../../../src/core/resolve/explain.ts';
import { parseInstalledDb } from '../../../src/core/resolve/installed.ts';
import type { Plan, ResolveRequest } from '../../../src/core/resolve/plan.ts';
import { EMPTY_REQUEST } from '../../../src/core/resolve/request.ts';
import { resolve } from '../../../src/core/resolve/resolve.ts';
import { why } from '../../../src/core/resolve/why.ts';
import type { Dependency } from '../../../src/core/setup-ini/records.ts';
import { parseText } from '../../../src/core/setup-ini/parser/parse.ts';
import { Candidates } from '../../../src/core/solver/candidates.ts';

const HASH = 'a'.repeat(128);

function stepText({ name, dependency }: { name: string; dependency?: Dependency | undefined }): string {
  return dependency === undefined ? name : `${dependencyText(dependency)} = ${name}`;
}

function block(name: string, version: string, lines = ''): string {
  const tail = Buffer.from(name + version)
    .toString('hex')
    .padStart(8, '0')
    .slice(0, 8);
  const archive = `${name}-${version}.tar.xz 10 ${HASH.slice(0, 120)}${tail}`;
  return `@ ${name}\ncategory: Libs\nversion: ${version}\ninstall: ${archive}\n${lines}\n`;
}

function catalogOf(...blocks: string[]): Catalog {
  const { header, records } = parseText(`release: test\n\n${blocks.join('\n')}`, { file: 'test' });
  return Catalog.build([{ name: 'test', header, records }]);
}

function planOf(catalog: Catalog, request: Partial<ResolveRequest>): Plan {
  const result = resolve(catalog, { ...EMPTY_REQUEST, ...request });
  if (result.kind === 'conflict') throw new Error(result.conflicts[0]?.message);
  return result.plan;
}

function listed(plan: Plan): string[] {
  return plan.packages.map(
    ({ name, version, action, replaces }) =>
      `${action} ${name} ${replaces === undefined ? '' : `${replaces} -> `}${version}`,
  );
}

describe('a hostile index', () => {
  it('with thousands of versions of a package ends in an error, not in all of memory', () => {
    const versions = Array.from(
      { length: 5000 },
      (_, i) => `[prev]\nversion: ${i}-1\ninstall: a-${i}.tar.xz 10 ${HASH}\n`,
    ).join('');
    const catalog = catalogOf(block('a', '9999-1', versions));
    expect(catalog.packages.get('a')?.versions.length).toBe(5001);
    expect(() => resolve(catalog, { ...EMPTY_REQUEST, packages: ['a'] })).toThrow(
      /^more than 8388608 rules between packages$/,
    );
  });
});

describe('an index in which 20,000 packages obsolete each other', () => {
  const length = 20_000;
  const resolveWith = (last: string): string[] => {
    const members = Array.from({ length }, (_, i) => {
      const next = i + 1 < length ? `p${String(i + 1).padStart(5, '0')}` : last;
      return block(
        `p${String(i).padStart(5, '0')}`,
        '1-1',
        `provides: x\n${next === '' ? '' : `obsoletes: ${next}\n`}`,
      );
    });
    const catalog = catalogOf(...members, block('app', '1-1', 'depends2: x\n'));
    return listed(planOf(catalog, { packages: ['app'], base: false }));
  };

  it('in a chain: the first one is chosen', () => {
    expect(resolveWith('')).toEqual(['install p00000 1-1', 'install app 1-1']);
  });

  it('in a cycle: the first one is chosen', () => {
    expect(resolveWith('p00000')).toEqual(['install p00000 1-1', 'install app 1-1']);
  });
});

describe('a catalog answers one request after the other as each alone', () => {
  const blocks = [
    block('app', '1-1', 'depends2: runtime, lib\n'),
    block(
      'runtime',
      '2-1',
      'depends2: _windows (>= 10)\n[prev]\nversion: 1-1\ninstall: runtime-1.tar.xz 10 ' +
        HASH +
        '\ndepends2: _windows (>= 6.1)\n',
    ),
    block('lib', '1-1', ''),
    block('newlib', '1-1', 'provides: lib\n'),
  ];
  const requests: Partial<ResolveRequest>[] = [
    { packages: ['app'], windows: '6.1.0' },
    { packages: ['app'] },
    { packages: ['app'], windows: '6.0.0' },
    { packages: ['app'], installed: [{ name: 'newlib', version: '1-1', picked: true }] },
    { packages: ['app'], installed: [{ name: 'lib', version: '0-1', picked: true }] },
  ];
  const answer = (catalog: Catalog, request: Partial<ResolveRequest>): unknown => {
    const result = resolve(catalog, { ...EMPTY_REQUEST, base: false, ...request });
    return result.kind === 'plan' ? listed(result.plan) : result.kind;
  };

  it('whatever was asked before', () => {
    const alone = requests.map((request) => answer(catalogOf(...blocks), request));
    expect(new Set(alone.map((each) => JSON.stringify(each))).size).toBe(5);
    const one = catalogOf(...blocks);
    for (const order of [
      [0, 1, 2, 3, 4],
      [4, 3, 2, 1, 0],
      [1, 4, 0, 3, 2],
    ])
      expect(order.map((i) => answer(one, requests[i] ?? {}))).toEqual(order.map((i) => alone[i]));
  });
});

it('of requests nothing stays in a catalog', () => {
  const catalog = catalogOf(block('app', '1-1', 'depends2: lib\ncategory: Base\n'), block('lib', '1-1', ''));
  // A list not known yet gets the next number.
  const lists = (): number => Candidates.of(catalog).needsOf([]).number;
  const ask = (name: string): unknown =>
    resolve(catalog, { ...EMPTY_REQUEST, packages: ['lib'], installed: [{ name, version: '1-1', picked: true }] });
  ask('first');
  const before = lists();
  for (let i = 0; i < 100; i++) ask(`other${i}`);
  expect(lists()).toBe(before + 1);
});

describe('an existing Cygwin', () => {
  const catalog = catalogOf(
    block('app', '2-1', 'depends2: lib (>= 2)\n'),
    block('lib', '2-1', '[prev]\nversion: 1-1\ninstall: lib-1.tar.xz 10 ' + HASH + '\n'),
    block('new', '1-1', 'obsoletes: old\n'),
    block('tool', '1-1', ''),
  );
  const installed = (...names: string[]): ResolveRequest['installed'] =>
    names.map((each) => ({ name: each.split(' ')[0] ?? '', version: each.split(' ')[1] ?? '', picked: true }));

  it('is updated, and the requested packages are added', () => {
    expect(listed(planOf(catalog, { installed: installed('lib 1-1'), packages: ['tool'] }))).toEqual([
      'upgrade lib 1-1 -> 2-1',
      'install tool 1-1',
    ]);
  });

  it('upgrades what a new package requires', () => {
    expect(listed(planOf(catalog, { installed: installed('lib 1-1'), packages: ['app'] }))).toEqual([
      'upgrade lib 1-1 -> 2-1',
      'install app 2-1',
    ]);
  });

  it('has nothing to do when it is current', () => {
    expect(listed(planOf(catalog, { installed: installed('lib 2-1', 'app 2-1'), packages: ['app'] }))).toEqual([]);
  });

  it('goes back to a pinned version', () => {
    expect(listed(planOf(catalog, { installed: installed('lib 2-1'), packages: ['lib=1-1'] }))).toEqual([
      'downgrade lib 2-1 -> 1-1',
    ]);
  });

  it('is not downgraded unless asked', () => {
    expect(listed(planOf(catalog, { installed: installed('lib 3-1') }))).toEqual([]);
  });

  it('loses packages that a newer one obsoletes', () => {
    const plan = planOf(catalog, { installed: installed('old 1-1') });
    expect(listed(plan)).toEqual(['install new 1-1']);
    expect(plan.removed.map(({ name }) => name)).toEqual(['old']);
  });

  it('keeps and lists installed packages that no index lists', () => {
    const plan = planOf(catalog, { installed: installed('mine 1-1', 'tool 1-1') });
    expect(plan.orphaned.map(({ name }) => name)).toEqual(['mine']);
    expect(plan.removed).toEqual([]);
  });
});

describe('installed.db', () => {
  it('is read in its own order, names with digits after a dash included', () => {
    expect(
      parseInstalledDb(
        'INSTALLED.DB 3\nbash bash-5.2.21-1.tar.bz2 0\ngtk-2.0 gtk-2.0-1.5-1.tar.bz2 1\nx x-20120526.tar.xz 1\n',
      ),
    ).toEqual([
      { name: 'bash', version: '5.2.21-1', picked: false },
      { name: 'gtk-2.0', version: '1.5-1', picked: true },
      { name: 'x', version: '20120526', picked: true },
    ]);
  });

  it.each([
    ['INSTALLED.DB 9\n', 'db:1: expected INSTALLED.DB 2 or 3, found `INSTALLED.DB 9`'],
    ['INSTALLED.DB 3\nbash\n', 'db:2: expected `NAME NAME-VERSION.tar.bz2 FLAG`, found `bash`'],
    [
      'INSTALLED.DB 3\nbash zsh-1.tar.bz2 0\n',
      'db:2: expected `NAME NAME-VERSION.tar.bz2 FLAG`, found `bash zsh-1.tar.bz2 0`',
    ],
    [
      'INSTALLED.DB 3\nbash\na a-1.tar.bz2 0\nb b-2 0\n',
      'db:2: expected `NAME NAME-VERSION.tar.bz2 FLAG`, found `bash`\n' +
        'db:4: expected `NAME NAME-VERSION.tar.bz2 FLAG`, found `b b-2 0`',
    ],
    [`INSTALLED.DB 3\n${'x\u001b[2J\n'.repeat(25)}`, 'found `x\\u{1b}[2J`\nand 5 more lines'],
  ])('refuses %j', (text, message) => {
    expect(() => parseInstalledDb(text, 'db')).toThrow(message);
  });
});

describe('the losses of an installed.db', () => {
  const LINES = 'INSTALLED.DB 3\na a-1-1.tar.bz2 0\nb b-2-1.tar.bz2 1\n';

  it.each([
    ['nothing', LINES, ['a', 'b'], []],
    ['a cut flag', LINES.slice(0, -2), ['a', 'b'], [/^db:3: the last line has no line end/]],
    ['a cut suffix', LINES.slice(0, -8), ['a'], [/^db:3: the file is cut in this line.* not count.*`b b-2-1.ta`$/]],
    ['a cut version', LINES.slice(0, -13), ['a'], [/^db:3: the file is cut in this line/]],
    ['all packages', LINES.slice(0, 14), [], [/^db:1: the last line has no line end/]],
    ['the first line', LINES.slice(15), ['a', 'b'], [/^db:1: the first line is not/]],
    ['everything', '', [], [/^`db` is empty/]],
    ['an earlier line', `${LINES}a a-3-1.tar.bz2 0\n`, ['b', 'a'], [/^db:4: `a` is listed twice/]],
  ])('%s', (_title, text, names, warnings) => {
    const given: string[] = [];
    const found = parseInstalledDb(text, 'db', (message) => given.push(message));
    expect(found.map(({ name }) => name)).toEqual(names);
    expect(given).toEqual(warnings.map((each) => expect.stringMatching(each) as unknown));
  });
});

describe('why', () => {
  const catalog = catalogOf(
    block('a', '1-1', 'depends2: x, y\n'),
    block('b', '1-1', 'depends2: y\n'),
    block('x', '1-1', 'depends2: z (>= 1)\n'),
    block('y', '1-1', 'depends2: virtual\n'),
    block('z', '1-1', 'provides: virtual\n'),
  );
  const chains = (packages: string[], name: string): string[] =>
    why(catalog, planOf(catalog, { packages }), name).map(
      ({ reason, steps }) => `${reason}: ${steps.map(stepText).join(' > ')}`,
    );

  it('returns all shortest chains', () => {
    expect(chains(['a', 'b'], 'z')).toEqual([
      'requested: a > x = x > z (>= 1) = z',
      'requested: a > y = y > virtual = z',
      'requested: b > y = y > virtual = z',
    ]);
  });

  it('is the request itself for a requested package', () => {
    expect(chains(['z', 'a'], 'z')).toEqual(['requested: z']);
  });

  it('is empty for a package outside of the plan', () => {
    expect(chains(['z'], 'a')).toEqual([]);
  });
});

describe('differences', () => {
  const before = catalogOf(block('a', '1-1'), block('b', '2-1'), block('c', '1.05-1'));
  const after = catalogOf(block('a', '2-1', 'depends2: d\n'), block('c', '1.5-1'), block('d', '1-1'));

  it('of indexes go by the current version', () => {
    expect(diffCatalogs(before, after)).toEqual({
      added: [{ name: 'd', version: '1-1' }],
      removed: [{ name: 'b', version: '2-1' }],
      changed: [
        { name: 'a', from: '1-1', to: '2-1', direction: 'upgrade' },
        { name: 'c', from: '1.05-1', to: '1.5-1', direction: 'rebuild' },
      ],
    });
  });

  it('of plans count the bytes that are new', () => {
    expect(diffPlans(planOf(before, { packages: ['a'] }), planOf(after, { packages: ['a'] }))).toEqual({
      added: [{ name: 'd', version: '1-1' }],
      removed: [],
      changed: [{ name: 'a', from: '1-1', to: '2-1', direction: 'upgrade' }],
      downloadBytes: 20,
    });
  });
});
