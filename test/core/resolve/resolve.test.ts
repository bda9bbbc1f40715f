import { describe, expect, it } from 'vitest';
import { Catalog } from '../../../src/core/catalog/catalog.ts';
import { conflictText } from '../../../src/report/conflict.ts';
import type { Plan, ResolveRequest } from '../../../src/core/resolve/plan.ts';
import { EMPTY_REQUEST } from '../../../src/core/resolve/request.ts';
import { resolve } from '../../../src/core/resolve/resolve.ts';
import { parseText } from '../../../src/core/setup-ini/parser/parse.ts';
import { readCases } from './cases.ts';
import type { Expectation } from './cases.ts';

function requestOf(words: readonly string[]): ResolveRequest {
  const request = {
    ...EMPTY_REQUEST,
    packages: [] as string[],
    categories: [] as string[],
    buildDepends: [] as string[],
  };
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? '';
    const value = (): string => words[++i] ?? '';
    if (word === '--category') request.categories.push(value());
    else if (word === '--build-depends') request.buildDepends.push(value());
    else if (word === '--windows') request.windows = value();
    else if (word === '--test') request.test = true;
    else if (word === '--source') request.source = true;
    else if (word === '--no-base') request.base = false;
    else if (word.startsWith('--')) throw new Error(`unknown option ${word}`);
    else request.packages.push(word);
  }
  return request;
}

function because(plan: Plan, name: string): string {
  const pkg = plan.packages.find((each) => each.name === name);
  if (pkg === undefined) return `${name}: not planned`;
  return `${name}: ${pkg.reason}${pkg.reason === 'dependency' ? ` of ${pkg.requiredBy.join(', ')}` : ''}`;
}

function check(index: string, expected: Expectation): void {
  const { header, records } = parseText(index, { file: 'case' });
  const result = resolve(Catalog.build([{ name: 'case', header, records }]), requestOf(expected.words));
  if (result.kind === 'conflict') {
    const said = result.conflicts.map(conflictText).join('\n');
    expect(result.conflicts[0]?.code, said).toBe(expected.refuse);
    for (const line of expected.says) expect(said.split('\n')).toContain(line);
    for (const hint of expected.hints)
      expect(result.conflicts.flatMap(({ suggestions }) => suggestions)).toContain(hint);
    return;
  }
  const { plan } = result;
  const sources = plan.packages.flatMap(({ source }) =>
    source === undefined ? [] : [`${source.name} ${source.version}`],
  );
  expect(plan.packages.map(({ name, version }) => `${name} ${version}`).join(', ')).toBe(expected.plan);
  expect(sources.join(', ')).toBe(expected.sources ?? '');
  expect(plan.leftOut.map(({ name, why }) => `${name}: ${why}`)).toEqual(expected.leftOut);
  expect(plan.warnings).toEqual(expected.warnings);
  for (const line of expected.because) expect(because(plan, line.slice(0, line.indexOf(':')))).toBe(line);
}

const cases = readCases();
const files = [...new Set(cases.map(({ file }) => file))];

describe.each(files)('%s', (name) => {
  describe.each(cases.filter(({ file }) => file === name))('$title', ({ index, requests }) => {
    it.each(requests.map((request) => ({ title: request.words.join(' ') || '(Base only)', request })))(
      'request $title',
      ({ request }) => check(index, request),
    );
  });
});
