import type { Readable, Writable } from 'node:stream';
import { CygstrapError } from '../../errors.ts';
import { printable, printableJson } from '../../printable.ts';

/** The parts of a process that the command line uses; tests pass their own. */
export interface Host {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Whether stderr gets colors: `FORCE_COLOR` and `NO_COLOR` count before what stderr is. */
function usesColor({ stderr, env }: Host): boolean {
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined && forced !== '') return forced !== '0' && forced !== 'false';
  return stderr.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
}

/** Writes data to stdout and everything else to stderr. Text and JSON pass `printable` here and nowhere else, so that
 *  no text from outside controls a terminal; only the output of a guest command bypasses this class. When the reader
 *  of stdout closes it (EPIPE, as in `| head`), `isClosed` becomes true and further data is dropped; that is not an
 *  error. */
export class Output {
  readonly #host: Host;
  readonly #usesColor: boolean;
  #isClosed = false;
  #failure: Error | undefined;

  constructor(host: Host) {
    this.#host = host;
    this.#usesColor = usesColor(host);
    host.stdout.on('error', (error: NodeJS.ErrnoException) => {
      this.#isClosed = true;
      if (error.code !== 'EPIPE') this.#failure = error;
    });
    // A failing stderr cannot be reported.
    host.stderr.on('error', () => {});
  }

  /** Whether stdout was closed by its reader or failed. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Writes text to stdout and waits until the stream has handled it. Throws `io` for errors of the stream except
   *  EPIPE. */
  async data(text: string): Promise<void> {
    await this.#write(printable(text));
  }

  async #write(text: string): Promise<void> {
    if (this.#isClosed || text === '') return;
    await new Promise<void>((resolve) => {
      this.#host.stdout.write(text, () => resolve());
    });
    if (this.#failure !== undefined) throw new CygstrapError('io', 'cannot write to stdout', { cause: this.#failure });
  }

  /** Writes one JSON value to stdout, indented or on one line. Throws like `data`. */
  async json(value: unknown, layout: 'indented' | 'line' = 'indented'): Promise<void> {
    await this.#write(`${printableJson(value, layout)}\n`);
  }

  /** Writes a message to stderr; the label before it is colored on a terminal. */
  note(label: 'error' | 'warning' | 'hint' | 'note', text: string): void {
    const codes = { error: 31, warning: 33, hint: 36, note: 2 } as const;
    const shown = this.#usesColor ? `\u001b[${codes[label]}m${label}:\u001b[0m` : `${label}:`;
    this.#host.stderr.write(`${shown} ${messageText(text)}\n`);
  }

  /** Writes text without a label to stderr. */
  plain(text: string): void {
    this.#host.stderr.write(`${messageText(text)}\n`);
  }
}

/** Returns printable text in which no line but the first looks like a message: it comes from outside. */
function messageText(text: string): string {
  return printable(text).replaceAll(/\n(?=(?:error|warning|hint|note):)/g, '\n  ');
}

/** Writes a chunk and waits until the stream has handled it. */
export async function write(to: Writable, chunk: Uint8Array | string): Promise<void> {
  if (chunk.length === 0) return;
  await new Promise<void>((resolve) => {
    to.write(chunk, () => resolve());
  });
}
