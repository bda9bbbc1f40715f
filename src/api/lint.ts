import { ParseError } from '../core/setup-ini/diagnostics.ts';
import type { Diagnostic } from '../core/setup-ini/diagnostics.ts';
import { lintRecords } from '../core/setup-ini/lint.ts';
import type { PackageRecord } from '../core/setup-ini/records.ts';
import { readIndex } from './load-catalog.ts';
import type { IndexSource, LoadOptions } from './load-catalog.ts';

/** Findings of an index, in the order of its lines. After a syntax error, only the text before it is checked. */
export interface LintResult {
  readonly findings: readonly Diagnostic[];
  readonly errors: number;
  readonly warnings: number;
}

export interface LintOptions extends LoadOptions {
  /** Indexes that are merged with this one: what they provide is not missing. */
  readonly beside?: readonly IndexSource[];
}

/** Lints an index: errors are what setup rejects, warnings are problems that setup accepts. Throws InputError if the
 *  index or one of `beside` cannot be read. */
export async function lintIndex(
  source: IndexSource,
  { beside = [], ...options }: LintOptions = {},
): Promise<LintResult> {
  const others: PackageRecord[] = [];
  for (const each of beside)
    await readIndex(each, options, (some) => {
      for (const record of some) others.push(record);
    });
  const records: PackageRecord[] = [];
  const file = typeof source === 'string' ? source : source.name;
  try {
    const { header, diagnostics } = await readIndex(source, options, (some) => {
      for (const record of some) records.push(record);
    });
    return result([...diagnostics, ...lintRecords(header, records, { file, beside: others })]);
  } catch (error) {
    if (error instanceof ParseError) return result(error.diagnostics);
    throw error;
  }
}

function result(findings: readonly Diagnostic[]): LintResult {
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  return {
    findings: findings.toSorted((a, b) => a.line - b.line || a.column - b.column),
    errors,
    warnings: findings.length - errors,
  };
}
