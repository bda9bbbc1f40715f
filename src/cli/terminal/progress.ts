import type { Event } from '../../events.ts';
import { printableLine } from '../../printable.ts';
import { countText, sizeText } from '../../report/text.ts';

const WIDTH = 78;
const MOST_TRANSFERS = 8;

interface Transfer {
  readonly path: string;
  readonly sizeBytes: number | undefined;
  receivedBytes: number;
}

/** The state of a fetch, or of reading archives, computed from its events, as text. Uses no clock and no terminal. */
export class Progress {
  #files = 0;
  #sizeBytes = 0;
  #doneFiles = 0;
  #receivedBytes = 0;
  /** Without the parts that an earlier command has left; with those of failed attempts. */
  #newBytes = 0;
  readonly #active = new Map<string, Transfer>();

  /** Adds one event. */
  add(event: Event): void {
    switch (event.kind) {
      case 'fetch-start':
        this.#files = event.files - event.presentFiles;
        this.#sizeBytes = event.sizeBytes - event.presentBytes;
        return;
      case 'list-start':
        this.#files = event.archives;
        this.#sizeBytes = event.sizeBytes;
        return;
      case 'archive-listed':
        this.#doneFiles++;
        this.#receivedBytes += event.sizeBytes;
        this.#newBytes += event.sizeBytes;
        return;
      case 'transfer-start':
        this.#forget(event.path);
        this.#receivedBytes += event.fromByte;
        this.#active.set(event.path, { path: event.path, sizeBytes: event.sizeBytes, receivedBytes: event.fromByte });
        return;
      case 'transfer-bytes': {
        const transfer = this.#active.get(event.path);
        if (transfer !== undefined) transfer.receivedBytes += event.receivedBytes;
        this.#receivedBytes += event.receivedBytes;
        this.#newBytes += event.receivedBytes;
        return;
      }
      case 'transfer-done':
        this.#active.delete(event.path);
        this.#doneFiles++;
        return;
      case 'transfer-failed':
        this.#forget(event.path);
        return;
      case 'warning':
      case 'note':
      case 'index-read':
      case 'resolved':
      case 'machine-start':
      case 'stage-start':
      case 'stage-reused':
      case 'stage-step':
      case 'stage-done':
      case 'site-demoted':
        return;
      default:
        event satisfies never;
    }
  }

  /** Subtracts what a failed attempt received. */
  #forget(path: string): void {
    const transfer = this.#active.get(path);
    if (transfer === undefined) return;
    this.#receivedBytes -= transfer.receivedBytes;
    this.#active.delete(path);
  }

  /** Returns one line for each active transfer, at most eight, and the total with rate and remaining time.
   *  @param elapsedMs since the first download began */
  lines(elapsedMs: number): string[] {
    const active = [...this.#active.values()];
    const lines = active.slice(0, MOST_TRANSFERS).map(({ path, sizeBytes, receivedBytes }) => {
      const share =
        sizeBytes === undefined || sizeBytes === 0
          ? ''
          : `${Math.min(100, Math.floor((receivedBytes * 100) / sizeBytes))}%`;
      return (
        `  ${fitted(printableLine(path.slice(path.lastIndexOf('/') + 1)), WIDTH - 24).padEnd(WIDTH - 24)} ` +
        `${sizeText(receivedBytes).padStart(11)} ${share.padStart(5)}`
      );
    });
    if (active.length > MOST_TRANSFERS) lines.push(`  and ${active.length - MOST_TRANSFERS} more`);
    return [...lines, this.#total(elapsedMs)];
  }

  #total(elapsedMs: number): string {
    const rate = elapsedMs > 0 ? (this.#newBytes * 1000) / elapsedMs : 0;
    const left = this.#sizeBytes - this.#receivedBytes;
    const remaining = rate > 0 && left > 0 ? `, ${timeText(left / rate)} left` : '';
    return (
      `${this.#doneFiles} of ${countText(this.#files, 'file')}, ${sizeText(this.#receivedBytes)} of ` +
      `${sizeText(this.#sizeBytes)}, ${sizeText(Math.round(rate))}/s${remaining}`
    );
  }
}

function fitted(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}

/** Formats seconds: `9 s`, `3 min`, `2 h`. */
function timeText(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

const CLEAR_BELOW = '\u001b[J';

/** Returns terminal codes that replace `drawn` lines above the cursor by others. */
export function redraw(drawn: number, lines: readonly string[]): string {
  const back = drawn > 0 ? `\u001b[${drawn}A\r` : '\r';
  return `${back}${CLEAR_BELOW}${lines.map((line) => `${line}\n`).join('')}`;
}
