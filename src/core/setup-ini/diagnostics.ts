import { CygstrapError } from '../../errors.ts';
import { MOST_UNKNOWN_KEYS } from './limits.ts';

/** What a finding is about; stable, never reused. The last group comes from `lintRecords`. */
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

/** Raised for an index that setup would refuse; carries every finding, warnings included, in the order of the index. */
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
      hint: 'setup refuses this index as well; a lenient parse leaves out the lines in question',
      details: { diagnostics },
    });
    this.name = 'ParseError';
    this.diagnostics = diagnostics;
    this.file = first?.file ?? '';
    this.line = first?.line ?? 0;
    this.column = first?.column ?? 0;
  }
}

/** Copies a piece of a chunk, so that a kept message does not keep the chunk. */
function detach(text: string): string {
  return Array.from(text).join('');
}

interface UnknownKey {
  readonly line: number;
  count: number;
}

/** Gathers findings while an index is read; memory stays bounded however many there are. */
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

  /** Notes something setup refuses; in a lenient parse it is listed as a warning. */
  error(code: DiagnosticCode, message: string, line: number, column: number): void {
    this.errorCount++;
    this.#add(this.#lenient ? 'warning' : 'error', this.errorCount, { code, message, line, column });
  }

  /** Notes something setup accepts. */
  warning(code: DiagnosticCode, message: string, line: number, column: number): void {
    this.#warningCount++;
    this.#add('warning', this.#warningCount, { code, message, line, column });
  }

  /** Counts a dropped line; `close` reports each key once. */
  unknownKey(key: string, line: number): void {
    // Not a key any more, but every official index has it, to stop setups older than 2.878.
    if (key === 'include-setup:') return;
    const seen = this.#unknownKeys.get(key);
    if (seen !== undefined) seen.count++;
    else if (this.#unknownKeys.size < MOST_UNKNOWN_KEYS) this.#unknownKeys.set(detach(key), { line, count: 1 });
  }

  /** Lists the unknown keys and puts everything in the order of the index. */
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
            message: `more than ${this.#most} findings; the rest is not listed`,
          };
    this.list.push({ severity, ...kept, message: detach(kept.message), file: this.#file });
  }
}

/** Quotes text of the index for a message: at most 40 characters, control characters escaped. */
export function show(text: string): string {
  const short = text.length > 40 ? `${text.slice(0, 40)}…` : text;
  const safe = short.replace(/[\p{Cc}\p{Cf}]/gu, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return `\`${safe}\``;
}
