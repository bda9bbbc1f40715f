import { setFlagsFromString } from 'node:v8';

/** Fits V8 to what a command does.
 *
 *  Little is inlined: compiling what runs for a second or two takes more than it saves, on cores that have other things to do (a tenth of
 *  the processor time).
 *
 *  `index`: reading an index and ending. Nearly all it makes stays alive, and every collection on the way copies that, so the
 *  space for new objects, 1 MB at the start, grows at once to its full size (another tenth).
 *
 *  `transfers`: long work whose objects die young, where a larger space for them is only more memory (tens of MB): it stays. Many of
 *  the buffers in which bytes come from the network are taken for old all the same, and pile up until all old ones are looked at, which
 *  is done at twice what was left the time before, not at four times (50 MB more). undici's parser
 *  of HTTP, which is WebAssembly, stays as it is compiled first: the better code takes a quarter of a second to make. */
export function tuneV8(work: 'index' | 'transfers'): void {
  setFlagsFromString('--max-inlined-bytecode-size-cumulative=100');
  setFlagsFromString(`--semi-space-growth-factor=${work === 'index' ? 16 : 1}`);
  if (work === 'index') return;
  setFlagsFromString('--heap-growing-percent=100');
  setFlagsFromString('--no-wasm-tier-up');
  setFlagsFromString('--no-wasm-dynamic-tiering');
}
