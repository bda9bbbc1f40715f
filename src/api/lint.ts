import { ParseError } from '../core/setup-ini/diagnostics.ts';
import type { Diagnostic } from '../core/setup-ini/diagnostics.ts';
import { lintRecords } from '../core/setup-ini/lint.ts';
import type { PackageRecord } from '../core/setup-ini/records.ts';
import { readIndex } from './load-catalog.ts';
import type { LoadOptions } from './load-catalog.ts';

/** What is wrong with an index, in its order. With an error, setup refuses it, and what lies beyond the text is not
 *  looked at. */
export interface LintResult {
  readonly findings: readonly Diagnostic[];
  readonly errors: number;
  readonly warnings: number;
}

/** Looks an index over: what setup refuses, and what it accepts and users get to feel. Throws InputError for bytes that
 *  cannot be had. */
export async function lintIndex(name: string, options: LoadOptions = {}): Promise<LintResult> {
  const records: PackageRecord[] = [];
  try {
    const { header, diagnostics } = await readIndex(name, options, (some) => {
      for (const record of some) records.push(record);
    });
    return result([...diagnostics, ...lintRecords(header, records, name)]);
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
