import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Reporter, TestModule } from 'vitest/node';
import type { AttackRow } from './support.ts';

const PAGE = fileURLToPath(new URL('../../src/docs/trust.md', import.meta.url));
const BEGIN = '<!-- attacks: begin -->';
const END = '<!-- attacks: end -->';

/** Compares the table of attacks in `src/docs/trust.md` with the rows that a run of the project `attack` made, and
 *  fails the run if they differ; CYGSTRAP_UPDATE=1 writes the table instead. Rows of files that did not run, or failed,
 *  stay. */
export class AttackTable implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const attacks = modules.filter((module) => module.project.name === 'attack' && module.ok());
    if (attacks.length === 0) return;
    const page = readFileSync(PAGE, 'utf8');
    const [before = '', rest = ''] = page.split(BEGIN);
    const [written = '', after] = rest.split(END);
    if (after === undefined) throw new Error(`${PAGE} has no table between \`${BEGIN}\` and \`${END}\``);
    const areas = new Map(written.split(/^(?=### )/m).flatMap(areaOf));
    for (const module of attacks) {
      const rows = [...module.children.allTests('passed')].flatMap((one) => one.meta().attack ?? []);
      areas.set(/([\w-]+)\.test\.ts$/.exec(module.moduleId)?.[1] ?? module.moduleId, tableOf(rows));
    }
    const sorted = [...areas].sort(([a], [b]) => (a < b ? -1 : 1));
    const table = sorted.map(([area, text]) => `### ${area}\n\n${text}`).join('\n');
    const made = `${before}${BEGIN}\n\n${table}\n${END}${after}`;
    if (made === page) return;
    if (process.env['CYGSTRAP_UPDATE'] !== undefined) writeFileSync(PAGE, made);
    else {
      process.stderr.write('src/docs/trust.md differs from this run; write its table with CYGSTRAP_UPDATE=1\n');
      process.exitCode = 1;
    }
  }
}

/** Returns the area of a section and its table, or nothing if it has no test file. */
function areaOf(section: string): [string, string][] {
  const [, area, text] = /^### (\S+)\n\n([^]*?)\n*$/.exec(section) ?? [];
  if (area === undefined || text === undefined) return [];
  return existsSync(new URL(`${area}.test.ts`, import.meta.url)) ? [[area, `${text}\n`]] : [];
}

/** Returns the rows as Markdown, formatted as prettier does. */
function tableOf(rows: readonly AttackRow[]): string {
  const lines = [['attack or fault', 'inputs', 'outcome']];
  for (const { kind, inputs, outcome } of rows)
    lines.push([kind, inputs.toLocaleString('en-US'), outcome].map((cell) => cell.replaceAll('|', '\\|')));
  const widths = [0, 1, 2].map((column) => Math.max(...lines.map((line) => (line[column] ?? '').length), 3));
  const rule = widths.map((width, column) => (column === 1 ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width)));
  const pad = (cell: string, column: number): string =>
    column === 1 ? cell.padStart(widths[1] ?? 0) : cell.padEnd(widths[column] ?? 0);
  const [head = [], ...body] = lines;
  return [head, rule, ...body].map((line) => `| ${line.map(pad).join(' | ')} |\n`).join('');
}
