import { ParseError } from '../core/setup-ini/diagnostics.ts';
import type { CygstrapError } from '../errors.ts';

export interface FailureText {
  readonly messages: readonly string[];
  readonly hint: string | undefined;
}

/** Renders an error: its message and hint, or for an index every error in it. */
export function failureText(error: CygstrapError): FailureText {
  if (!(error instanceof ParseError)) return { messages: [error.message], hint: error.hint };
  const errors = error.diagnostics.filter(({ severity }) => severity === 'error');
  return {
    messages: errors.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`),
    hint: 'setup refuses this index as well; use `--lenient` to skip the entries with errors',
  };
}
