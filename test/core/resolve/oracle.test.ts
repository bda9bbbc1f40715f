import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CatalogBuilder, type Catalog } from '../../../src/core/catalog/catalog.ts';
import { conflictText } from '../../../src/report/conflict.ts';
import { EMPTY_REQUEST } from '../../../src/core/resolve/request.ts';
import { resolve } from '../../../src/core/resolve/resolve.ts';
import { RowParser } from '../../../src/core/setup-ini/parser/parse.ts';

const ORACLE = '../shared/oracle';
const INDEXES = '../shared/data/setup-ini';

interface Answer {
  readonly packages: string[];
  readonly categories: string[];
  readonly test: boolean;
  readonly source: boolean;
  readonly install: Record<string, string>;
  readonly sources: Record<string, string>;
  readonly bytes?: number;
  readonly unmet: string[];
  readonly exit: number;
}

function read(file: string): string {
  return file.endsWith('.xz')
    ? execFileSync('xz', ['-dc', file], { maxBuffer: 1 << 28 }).toString('latin1')
    : readFileSync(file, 'latin1');
}

function jsonLines<T>(file: string): T[] {
  return read(file)
    .trimEnd()
    .split('\n')
    .map((line): T => JSON.parse(line));
}

/** From rows, as the commands do it. */
function catalogOf(name: string, text: string): Catalog {
  const parser = new RowParser({ file: name });
  const builder = new CatalogBuilder();
  for (const pkg of [...parser.push(Buffer.from(text, 'latin1')), ...parser.end()])
    builder.add(pkg, parser.header.release);
  builder.endIndex(name, parser.header);
  return builder.finish();
}

/** Setup leaves out what cannot be had and goes on with a broken Base: there we must refuse, else answer the same. */
function check(catalog: Catalog, answer: Answer): void {
  const { packages, categories, test, source } = answer;
  // A hundredth of the default: no real request is near it.
  const result = resolve(catalog, { ...EMPTY_REQUEST, packages, categories, test, source }, { solverLimit: 200 });
  const mustRefuse = answer.unmet.length > 0 || answer.exit === 5;
  if (result.kind === 'conflict') {
    expect(mustRefuse, result.conflicts.map(conflictText).join('\n')).toBe(true);
    const named = new Set(result.conflicts.flatMap(({ requested }) => requested));
    expect(answer.unmet.filter((item) => !named.has(item))).toEqual([]);
    return;
  }
  expect(mustRefuse).toBe(false);
  const { plan } = result;
  expect(Object.fromEntries(plan.packages.map(({ name, version }) => [name, version]))).toEqual(answer.install);
  const sources = plan.packages.flatMap((each) =>
    each.source === undefined ? [] : [[each.source.name, each.source.version] as const],
  );
  expect(Object.fromEntries(sources)).toEqual(answer.sources);
  if (answer.bytes !== undefined) expect(plan.totals.downloadBytes).toBe(answer.bytes);
}

function title({ packages, categories, test, source }: Answer): string {
  const words = [
    ...packages,
    ...categories.map((each) => `-C ${each}`),
    ...(test ? ['-t'] : []),
    ...(source ? ['-I'] : []),
  ].join(' ');
  return words.length > 80 ? `${words.slice(0, 80)}…` : words || '(Base only)';
}

describe.skipIf(!existsSync(ORACLE))("setup's own answers (skipped where ../shared/oracle is absent)", () => {
  const requests = existsSync(ORACLE) ? readdirSync(ORACLE).filter((name) => name.startsWith('requests-')) : [];
  describe.each(requests)('%s', (name) => {
    const answers = jsonLines<Answer & { ini: string }>(`${ORACLE}/${name}`);
    const catalogs = new Map<string, Catalog>();
    it.each(answers.map((answer) => ({ title: title(answer), answer })))('$title', ({ answer }) => {
      const catalog = catalogs.get(answer.ini) ?? catalogOf(answer.ini, read(`${INDEXES}/${answer.ini}`));
      catalogs.set(answer.ini, catalog);
      check(catalog, answer);
    });
  });

  const universes = existsSync(ORACLE)
    ? jsonLines<{ name: string; ini: string; cases: Answer[] }>(`${ORACLE}/universes.jsonl.xz`)
    : [];
  it.each(universes)('$name', ({ name, ini, cases }) => {
    const catalog = catalogOf(name, ini);
    for (const answer of cases) check(catalog, answer);
  });
});
