import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

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

/** Received bytes after which what died young is collected. */
const COLLECT_AFTER_BYTES = 12 << 20;

type Collect = (options: { readonly type: 'minor' }) => void;

/** Told of received bytes, frees the buffers that they came in. Those die young, but V8 has no reason to look: the objects that hold
 *  them are small. It waits until they are some thirty megabytes, and then looks through all of memory, for each thirty again: a tenth
 *  of the time of large files. */
export class YoungCollector {
  #receivedBytes = 0;
  #collect: Collect | undefined;

  receive(bytes: number): void {
    this.#receivedBytes += bytes;
    if (this.#receivedBytes < COLLECT_AFTER_BYTES) return;
    this.#receivedBytes = 0;
    if (this.#collect === undefined) {
      setFlagsFromString('--expose-gc');
      this.#collect = runInNewContext('gc') as Collect;
    }
    this.#collect({ type: 'minor' });
  }
}
