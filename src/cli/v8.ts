import { setFlagsFromString } from 'node:v8';

/** Fits V8 to what a command does.
 *
 *  Little is inlined: compiling what runs for a second or two takes more than it saves, on cores that have other things to do (a tenth of
 *  the processor time).
 *
 *  `index`: reading an index and ending. Nearly all it makes stays alive, and every collection on the way copies that, so the
 *  space for new objects, 1 MB at the start, grows at once to its full size (another tenth).
 *
 *  `transfers`: long work whose objects die young, where a larger space for them is only more memory (tens of MB): it stays. undici's
 *  parser of HTTP, which is WebAssembly, stays as it is compiled first: the better code takes a quarter of a second to make.
 *
 *  `many-files`: transfers of thousands. The buffers in which they come pile up until all of memory is looked through; that is done
 *  when it is twice what was left the time before, not four times (40 MB less at 12,000 files of 20 KB). A few large files, which
 *  are slowed down by that, do not need it. */
export function tuneV8(work: 'index' | 'transfers' | 'many-files'): void {
  setFlagsFromString('--max-inlined-bytecode-size-cumulative=100');
  setFlagsFromString(`--semi-space-growth-factor=${work === 'index' ? 16 : 1}`);
  if (work === 'transfers') {
    setFlagsFromString('--no-wasm-tier-up');
    setFlagsFromString('--no-wasm-dynamic-tiering');
  }
  if (work === 'many-files') setFlagsFromString('--heap-growing-percent=100');
}
