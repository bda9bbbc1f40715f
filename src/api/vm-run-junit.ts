import { basename } from 'node:path';
import { CygstrapError } from '../errors.ts';
import { writeTextFile } from '../io/text-file.ts';
import { junitXml } from '../report/junit.ts';
import type { JunitCase, JunitEnd } from '../report/junit.ts';
import type { RunOutcome } from './vm-run.ts';

/** The most bytes of each stream of a command that a report keeps: its end. */
const MOST_TAIL_BYTES = 64 * 1024;

interface Run {
  readonly startMs: number;
  readonly tails: Readonly<Record<'stdout' | 'stderr', Tail>>;
  end: JunitEnd | null;
}

/** Collects the results of many runs for a report in the JUnit format. */
export class JunitReport {
  readonly #file: string;
  readonly #suite: string;
  readonly #lines: readonly string[];
  readonly #runs = new Map<number, Run>();

  /** @param file the report
   *  @param list file of the command lines: the name of the suite
   *  @param lines the command lines */
  constructor(file: string, list: string, lines: readonly string[]) {
    this.#file = file;
    this.#suite = basename(list);
    this.#lines = lines;
  }

  /** Records that a run starts. */
  start(number: number): void {
    this.#runs.set(number, {
      startMs: performance.now(),
      tails: { stdout: new Tail(), stderr: new Tail() },
      end: null,
    });
  }

  /** Adds output of a run that has started. */
  addOutput(number: number, stream: 'stdout' | 'stderr', chunk: Uint8Array): void {
    this.#runs.get(number)?.tails[stream].push(chunk);
  }

  /** Records the end of a run that has started. */
  end(outcome: RunOutcome): void {
    const run = this.#runs.get(outcome.number);
    if (run === undefined) return;
    const seconds = (performance.now() - run.startMs) / 1000;
    if ('result' in outcome) run.end = { seconds: outcome.result.durationMs / 1000, code: outcome.result.code };
    else run.end = { seconds, ...errorOf(outcome.error) };
  }

  /** Writes the report: runs without an end are `skipped`. Throws `io`. */
  async save(): Promise<void> {
    const cases = this.#lines.map((line, i): JunitCase => {
      const run = this.#runs.get(i + 1);
      const [stdout = '', stderr = ''] = [run?.tails.stdout.text(), run?.tails.stderr.text()];
      return { number: i + 1, line, end: run?.end ?? null, stdout, stderr };
    });
    await writeTextFile(this.#file, junitXml(this.#suite, cases));
  }
}

function errorOf(error: unknown): { readonly errorCode: string; readonly message: string } {
  if (!(error instanceof CygstrapError)) return { errorCode: 'bug', message: String(error) };
  return { errorCode: error.code, message: error.message };
}

/** The last bytes of a stream. */
class Tail {
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #omitted = 0;

  push(chunk: Uint8Array): void {
    this.#chunks.push(Uint8Array.from(chunk));
    this.#bytes += chunk.length;
    // Twice the bound at most, so that a stream of small chunks is copied rarely.
    if (this.#bytes > 2 * MOST_TAIL_BYTES) this.#cut();
  }

  text(): string {
    this.#cut();
    const text = new TextDecoder().decode(Buffer.concat(this.#chunks));
    return this.#omitted === 0 ? text : `(${this.#omitted} bytes omitted)\n${text}`;
  }

  #cut(): void {
    const all = Buffer.concat(this.#chunks);
    let from = Math.max(0, all.length - MOST_TAIL_BYTES);
    // Not within a character of UTF-8.
    for (let i = 0; from > 0 && i < 3 && ((all[from] ?? 0) & 0xc0) === 0x80; i++) from++;
    const kept = all.subarray(from);
    this.#omitted += from;
    this.#chunks = [kept];
    this.#bytes = kept.length;
  }
}
