/** Most bytes that fit into a block. */
export const BLOCK_BYTES = 1 << 20;

/** A piece of memory that two threads see. */
export interface Block {
  readonly number: number;
  readonly bytes: Uint8Array<SharedArrayBuffer>;
}

/** Memory to hand bytes over in, used again and again: a buffer that is given away with each file costs the making of it, the message
 *  and the collecting, three times what copying into a shared one takes. The system backs only what of a block was ever filled.
 *  There are as many as were in use at one time. */
export class Blocks {
  readonly #free: Block[] = [];
  #made = 0;

  /** Gives a block that nobody uses, perhaps with old bytes in it. */
  take(): Block {
    return this.#free.pop() ?? { number: this.#made++, bytes: new Uint8Array(new SharedArrayBuffer(BLOCK_BYTES)) };
  }

  /** Takes a block back. */
  give(block: Block): void {
    this.#free.push(block);
  }
}
