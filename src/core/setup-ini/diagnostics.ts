import { CygstrapError } from '../../errors.ts';
import { printableLine } from '../../printable.ts';
import { MOST_UNKNOWN_KEYS } from './limits.ts';

/** Kind of a finding; stable, never reused. Those from `unmet-requirement` on are found by `lintRecords`. */
export type DiagnosticCode =
  | 'bad-line'
  | 'bad-structure'
  | 'setup-too-old'
  | 'too-many'
  | 'newer-setup'
  | 'unknown-key'
  | 'lost-version'
  | 'nameless-package'
  | 'unmet-requirement'
  | 'duplicate-package'
  | 'duplicate-version'
  | 'dangling-curr'
  | 'size-negative'
  | 'size-zero'
  | 'hostile-path'
  | 'foreign-arch'
  | 'weak-digest'
  | 'prev-above-curr'
  | 'not-installable';

/** One finding about an index. `error`: setup refuses the index; `warning`: it accepts it. */
export interface Diagnostic {
  readonly severity: 'error' | 'warning';
  readonly code: DiagnosticCode;
  readonly message: string;
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** In bytes, from 1. */
  readonly column: number;
}

/** Error for an index that setup would refuse, with all findings, including warnings, in the order of the index. */
export class ParseError extends CygstrapError {
  readonly diagnostics: readonly Diagnostic[];
  readonly file: string;
  readonly line: number;
  readonly column: number;

  constructor(diagnostics: readonly Diagnostic[], errorCount: number) {
    const first = diagnostics.find((one) => one.severity === 'error');
    const place = first === undefined ? '' : `${first.file}:${first.line}:${first.column}: ${first.message}`;
    const more = errorCount > 1 ? ` (and ${errorCount - 1} more)` : '';
    super('parse', `${place}${more}`, {
      hint: 'setup refuses this index as well; `--lenient` skips the invalid lines',
      details: { diagnostics },
    });
    this.name = 'ParseError';
    this.diagnostics = diagnostics;
    this.file = first?.file ?? '';
    this.line = first?.line ?? 0;
    this.column = first?.column ?? 0;
  }
}

/** Copies a slice of a chunk, so that a retained message does not retain the chunk. */
function detach(text: string): string {
  return Array.from(text).join('');
}

interface UnknownKey {
  readonly line: number;
  count: number;
}

/** Collects findings while an index is read, in bounded memory. */
export class DiagnosticLog {
  readonly list: Diagnostic[] = [];
  errorCount = 0;
  readonly #file: string;
  readonly #lenient: boolean;
  readonly #most: number;
  #warningCount = 0;
  readonly #unknownKeys = new Map<string, UnknownKey>();

  constructor(file: string, options: { lenient: boolean; most: number }) {
    this.#file = file;
    this.#lenient = options.lenient;
    this.#most = options.most;
  }

  /** Records a finding that setup refuses; a lenient parse lists it as a warning. */
  error(code: DiagnosticCode, message: string, line: number, column: number): void {
    this.errorCount++;
    this.#add(this.#lenient ? 'warning' : 'error', this.errorCount, { code, message, line, column });
  }

  /** Records a finding that setup accepts. */
  warning(code: DiagnosticCode, message: string, line: number, column: number): void {
    this.#warningCount++;
    this.#add('warning', this.#warningCount, { code, message, line, column });
  }

  /** Counts a dropped line of an unknown key; `close` reports each key once. */
  unknownKey(key: string, line: number): void {
    // Obsolete key, present in every official index to stop setup before 2.878.
    if (key === 'include-setup:') return;
    const seen = this.#unknownKeys.get(key);
    if (seen !== undefined) seen.count++;
    else if (this.#unknownKeys.size < MOST_UNKNOWN_KEYS) this.#unknownKeys.set(detach(key), { line, count: 1 });
  }

  /** Adds the unknown keys and sorts all findings in the order of the index. */
  close(): void {
    for (const [key, { line, count }] of this.#unknownKeys) {
      const lines = count === 1 ? 'one line' : `${count} lines`;
      this.warning('unknown-key', `setup ignores the key ${show(key)}: ${lines} dropped`, line, 1);
    }
    this.#unknownKeys.clear();
    this.list.sort((a, b) => a.line - b.line || a.column - b.column);
  }

  #add(
    severity: Diagnostic['severity'],
    count: number,
    finding: Pick<Diagnostic, 'code' | 'message' | 'line' | 'column'>,
  ): void {
    if (count > this.#most + 1) return;
    const kept =
      count <= this.#most
        ? finding
        : {
            ...finding,
            code: 'too-many' as const,
            message: `more than ${this.#most} findings; further ones are not listed`,
          };
    this.list.push({ severity, ...kept, message: detach(kept.message), file: this.#file });
  }
}

/** Quotes text of the index for a message: at most 40 characters, with control characters escaped. */
export function show(text: string): string {
  const short = text.length > 40 ? `${text.slice(0, 40)}…` : text;
  return `\`${printableLine(short)}\``;
}
