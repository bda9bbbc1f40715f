import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { hasCode } from '../io/system-error.ts';
import { printableLine } from '../printable.ts';
import { LineSplitter } from './console.ts';

/** New text of a console log. */
export interface ConsolePart {
  readonly lines: readonly string[];
  /** The text after the last line end, such as a prompt; replaces that of the part before. */
  readonly open: string;
}

/** How much of the log is read at first. */
const TAIL_BYTES = 64 * 1024;
const PIECE_BYTES = 64 * 1024;
const POLL_INTERVAL_MS = 250;

/** Reads the end of the console log of a running machine, then what is added to it, as text without control
 *  characters. Ends when the signal is aborted. Throws errors of the system. */
export async function* tailConsole(path: string, signal: AbortSignal): AsyncGenerator<ConsolePart, void, undefined> {
  const file = await openWhenThere(path, signal);
  if (file === undefined) return;
  try {
    const { size } = await file.stat();
    const start = Math.max(0, size - TAIL_BYTES);
    let isCut = start > 0;
    let shown = '';
    const splitter = new LineSplitter();
    for await (const piece of followFile(file, { start, intervalMs: POLL_INTERVAL_MS, signal })) {
      if (signal.aborted) return;
      const lines = splitter.push(piece).map(printableLine);
      // The first line is a part of one.
      if (isCut && lines.length > 0) {
        lines.shift();
        isCut = false;
      }
      const last = printableLine(splitter.open());
      if (lines.length > 0 || last !== shown) yield { lines, open: last };
      shown = last;
    }
  } finally {
    await file.close();
  }
}

export interface FollowOptions {
  /** Position of the first byte. */
  readonly start: number;
  /** Time between two reads at the end of the file. */
  readonly intervalMs: number;
  readonly signal: AbortSignal;
}

/** Reads a growing file in pieces; each is valid until the next is read. Ends at the end of the file after the signal
 *  is aborted. Throws errors of the system. */
export async function* followFile(
  file: FileHandle,
  { start, intervalMs, signal }: FollowOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const piece = Buffer.alloc(PIECE_BYTES);
  for (let position = start; ;) {
    const isLast = signal.aborted;
    const { bytesRead } = await file.read(piece, 0, PIECE_BYTES, position);
    position += bytesRead;
    if (bytesRead > 0) yield piece.subarray(0, bytesRead);
    else if (isLast) return;
    else await pause(signal, intervalMs);
  }
}

async function openWhenThere(path: string, signal: AbortSignal): Promise<FileHandle | undefined> {
  for (;;) {
    try {
      return await open(path, 'r');
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error;
    }
    if (!(await pause(signal, POLL_INTERVAL_MS))) return undefined;
  }
}

/** Returns false if the signal is aborted. */
async function pause(signal: AbortSignal, ms: number): Promise<boolean> {
  await delay(ms, undefined, { signal }).catch(() => {});
  return !signal.aborted;
}
