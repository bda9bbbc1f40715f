import { setFlagsFromString } from 'node:v8';

/** Fits V8 to what a command does.
 *
 *  `index`: reading an index and ending. Nearly all it makes stays alive, and every collection on the way copies that, so the
 *  space for new objects, 1 MB at the start, grows at once to its full size (a tenth less processor time). And little is
 *  inlined: compiling what runs for half a second takes more than it saves, on cores that the decoder needs (another tenth).
 *
 *  `transfers`: long work whose objects die young, where a larger space for them is only more memory (tens of MB): it stays. */
export function tuneV8(work: 'index' | 'transfers'): void {
  setFlagsFromString(`--semi-space-growth-factor=${work === 'index' ? 16 : 1}`);
  if (work === 'index') setFlagsFromString('--max-inlined-bytecode-size-cumulative=100');
}
