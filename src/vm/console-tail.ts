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
    let position = Math.max(0, size - TAIL_BYTES);
    let isCut = position > 0;
    let shown = '';
    const splitter = new LineSplitter();
    const piece = Buffer.alloc(PIECE_BYTES);
    while (!signal.aborted) {
      const { bytesRead } = await file.read(piece, 0, PIECE_BYTES, position);
      position += bytesRead;
      const lines = splitter.push(piece.subarray(0, bytesRead)).map(printableLine);
      // The first line is a part of one.
      if (isCut && lines.length > 0) {
        lines.shift();
        isCut = false;
      }
      const last = printableLine(splitter.open());
      if (lines.length > 0 || last !== shown) yield { lines, open: last };
      shown = last;
      if (bytesRead === 0 && !(await pause(signal))) return;
    }
  } finally {
    await file.close();
  }
}

async function openWhenThere(path: string, signal: AbortSignal): Promise<FileHandle | undefined> {
  for (;;) {
    try {
      return await open(path, 'r');
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error;
    }
    if (!(await pause(signal))) return undefined;
  }
}

/** Returns false if the signal is aborted. */
async function pause(signal: AbortSignal): Promise<boolean> {
  await delay(POLL_INTERVAL_MS, undefined, { signal }).catch(() => {});
  return !signal.aborted;
}
