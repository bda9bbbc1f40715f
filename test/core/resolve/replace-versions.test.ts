import { describe, expect, it } from 'vitest';
import { Catalog } from '../../../src/core/catalog/catalog.ts';
import type { Plan, ResolveRequest } from '../../../src/core/resolve/plan.ts';
import { resolve } from '../../../src/core/resolve/resolve.ts';
import { parseText } from '../../../src/core/setup-ini/parser/parse.ts';

const HASH = 'a'.repeat(128);

/** Makes a record of `VERSION [LABEL [DEPENDS]]`. */
function block(name: string, lines: readonly string[], versions: readonly string[]): string {
  const sections = versions.flatMap((text) => {
    const [version = '', label = '', ...depends] = text.split(' ');
    return [
      ...(label === '' ? [] : [`[${label}]`]),
      `version: ${version}`,
      `install: release/${name}-${version}.tar.xz 10 ${HASH}`,
      ...(depends.length === 0 ? [] : [`depends2: ${depends.join(' ')}`]),
    ];
  });
  return [`@ ${name}`, 'category: Libs', ...lines, ...sections, ''].join('\n');
}

function catalogOf(...indexes: readonly (readonly string[])[]): Catalog {
  return Catalog.build(
    indexes.map((blocks, i) => ({ name: `index ${i}`, ...parseText(blocks.join('\n'), { file: `index ${i}` }) })),
  );
}

function planOf(catalog: Catalog, installed: readonly string[], request: Partial<ResolveRequest> = {}): Plan {
  const present = installed.map((each) => {
    const [name = '', version = ''] = each.split(' ');
    return { name, version, picked: false };
  });
  const result = resolve(catalog, { ...request, installed: present });
  if (result.kind === 'conflict') throw new Error(result.conflicts[0]?.message);
  return result.plan;
}

function actions(plan: Plan): string[] {
  return plan.packages.map(({ action, name, version, replaces }) => `${action} ${name} ${replaces ?? ''}>${version}`);
}

describe('an installed version that the index withdraws', () => {
  const back = block('back', ['replace-versions: 2.0-1 2.1-1'], ['1.5-1']);

  it.each([
    ['2.0-1', ['downgrade back 2.0-1>1.5-1']],
    ['2.1-1', ['downgrade back 2.1-1>1.5-1']],
    ['2.2-1', []],
    ['1.4-1', ['upgrade back 1.4-1>1.5-1']],
    ['1.5-1', []],
  ])('%s', (version, expected) => {
    const plan = planOf(catalogOf([back]), [`back ${version}`]);
    expect(actions(plan)).toEqual(expected);
    expect(plan.warnings).toEqual([]);
    expect(plan.removed).toEqual([]);
  });

  it('is replaced when it is requested by name, and when it is of category Base', () => {
    const base = back.replace('Libs', 'Base');
    expect(actions(planOf(catalogOf([back]), ['back 2.0-1'], { packages: ['back'] }))).toEqual([
      'downgrade back 2.0-1>1.5-1',
    ]);
    expect(actions(planOf(catalogOf([base]), ['back 2.0-1']))).toEqual(['downgrade back 2.0-1>1.5-1']);
  });

  it('is replaced by the best version, and by a test version only on request', () => {
    const several = block('back', ['replace-versions: 2.0-1'], ['1.5-1', '1.4-1 prev', '1.9-1 test']);
    expect(actions(planOf(catalogOf([several]), ['back 2.0-1']))).toEqual(['downgrade back 2.0-1>1.5-1']);
    expect(actions(planOf(catalogOf([several]), ['back 2.0-1'], { test: true }))).toEqual([
      'downgrade back 2.0-1>1.9-1',
    ]);
  });

  it('stays when the index still has it, as identical', () => {
    const listed = block('back', ['replace-versions: 2.0-1'], ['1.5-1', '2.0-1 prev']);
    expect(actions(planOf(catalogOf([listed]), ['back 2.0-1']))).toEqual([]);
    expect(actions(planOf(catalogOf([listed]), ['back 2.0-1'], { packages: ['back=1.5-1'] }))).toEqual([
      'downgrade back 2.0-1>1.5-1',
    ]);
  });

  it('is replaced together with what requires it', () => {
    const user = block('user', [], ['2-1  back (= 1.5-1)']);
    const plan = planOf(catalogOf([back, user]), ['back 2.0-1'], { packages: ['user'] });
    expect(actions(plan)).toEqual(['downgrade back 2.0-1>1.5-1', 'install user >2-1']);
  });

  it('stays with a warning when an installed package requires it', () => {
    const user = block('user', [], ['1-1  back (>= 2)']);
    const plan = planOf(catalogOf([back, user]), ['back 2.0-1', 'user 1-1']);
    expect(plan.packages).toEqual([]);
    expect(plan.removed).toEqual([]);
    expect(plan.warnings).toEqual([
      '`back` 2.0-1 stays installed, although the index withdraws it: `user` 1-1 is installed and to be kept; ' +
        'the index withdraws `back` 2.0-1, which is installed, with `replace-versions`; ' +
        '`user` 1-1 requires `back (>= 2)`, that is `back` 2.0-1',
    ]);
  });

  it('is named by the last record of the package, as in setup', () => {
    const overlay = block('back', ['replace-versions: 3.0-1'], ['1.6-1']);
    expect(actions(planOf(catalogOf([back], [overlay]), ['back 2.0-1']))).toEqual([]);
    expect(actions(planOf(catalogOf([back], [overlay]), ['back 3.0-1']))).toEqual(['downgrade back 3.0-1>1.6-1']);
  });

  it('can be newly installed where the index has it', () => {
    const listed = block('back', ['replace-versions: 2.0-1'], ['2.0-1']);
    expect(actions(planOf(catalogOf([listed]), [], { packages: ['back'] }))).toEqual(['install back >2.0-1']);
  });
});
