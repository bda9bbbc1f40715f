import type { Event, Report } from '../../events.ts';
import { countText, sizeText } from '../../report/text.ts';
import type { Host, Output } from './output.ts';
import { Progress, redraw } from './progress.ts';
import { reporter } from './reporter.ts';
import type { Verbosity } from './reporter.ts';

const REDRAW_MS = 100;
const PLAIN_LINE_MS = 10_000;

/** Shows the progress of a fetch or of reading archives: lines that are redrawn on a terminal, one line every ten
 *  seconds otherwise, nothing when quiet. Call `end` before writing anything else. */
export class ProgressView {
  readonly #host: Host;
  readonly #output: Output;
  readonly #report: Report;
  readonly #progress = new Progress();
  readonly #isTerminal: boolean;
  readonly #isQuiet: boolean;
  #timer: NodeJS.Timeout | undefined;
  #startMs = 0;
  #drawnLines = 0;

  constructor({ host, output }: { readonly host: Host; readonly output: Output }, verbosity: Verbosity) {
    this.#host = host;
    this.#output = output;
    this.#report = reporter(output, verbosity);
    this.#isQuiet = verbosity.quiet;
    this.#isTerminal = host.stderr.isTTY === true && host.env['TERM'] !== 'dumb';
  }

  /** Shows one event. */
  add(event: Event): void {
    if (this.#isQuiet) return;
    this.#progress.add(event);
    if (event.kind === 'transfer-bytes') return;
    this.#erase();
    if (event.kind === 'fetch-start') this.#begin(event);
    else this.#report(event);
    if (event.kind === 'list-start') this.#startTimer();
  }

  /** Stops drawing and erases the drawn lines. */
  end(): void {
    clearInterval(this.#timer);
    this.#erase();
  }

  #begin({ files, sizeBytes, presentFiles, presentBytes }: Extract<Event, { kind: 'fetch-start' }>): void {
    const missing = `${countText(files - presentFiles, 'file')} to fetch (${sizeText(sizeBytes - presentBytes)})`;
    this.#output.note(
      'note',
      `${countText(files, 'file')}, ${sizeText(sizeBytes)}: ${presentFiles} already present ` +
        `(${sizeText(presentBytes)}), ${missing}`,
    );
    if (files > presentFiles) this.#startTimer();
  }

  #startTimer(): void {
    this.#startMs = performance.now();
    this.#timer = setInterval(() => this.#draw(), this.#isTerminal ? REDRAW_MS : PLAIN_LINE_MS);
    this.#timer.unref();
  }

  #draw(): void {
    const lines = this.#progress.lines(performance.now() - this.#startMs);
    if (this.#isTerminal) {
      this.#host.stderr.write(redraw(this.#drawnLines, lines));
      this.#drawnLines = lines.length;
    } else this.#output.plain(lines.at(-1) ?? '');
  }

  #erase(): void {
    if (this.#drawnLines > 0) this.#host.stderr.write(redraw(this.#drawnLines, []));
    this.#drawnLines = 0;
  }
}
