/** Sizes of blocks: most files fit into the first, and what a few large ones would leave behind in each block is kept small. */
const SIZES_BYTES = [1 << 16, 1 << 20] as const;

/** Files up to this size fit into a block. */
export const LARGEST_BLOCK_BYTES = SIZES_BYTES[1];

/** Files up to this size fit into a small one. */
export const SMALL_BLOCK_BYTES = SIZES_BYTES[0];

/** A piece of memory that two threads see. */
export interface Block {
  readonly number: number;
  readonly bytes: Uint8Array;
}

/** Memory to hand bytes over in, used again and again: a buffer that is given away with each file costs the making of it, the message
 *  and the collecting, several times what copying into a shared one takes. There are as many as were ever in use at one time. */
export class Blocks {
  readonly #free = new Map<number, Block[]>(SIZES_BYTES.map((sizeBytes) => [sizeBytes, []]));
  #made = 0;

  /** Gives a block that nobody uses, with old bytes in it perhaps, for up to {@link LARGEST_BLOCK_BYTES}. */
  take(bytes: number): Block {
    const sizeBytes = bytes <= SMALL_BLOCK_BYTES ? SMALL_BLOCK_BYTES : LARGEST_BLOCK_BYTES;
    return (
      this.#free.get(sizeBytes)?.pop() ?? {
        number: this.#made++,
        bytes: new Uint8Array(new SharedArrayBuffer(sizeBytes)),
      }
    );
  }

  /** Takes a block back. */
  give(block: Block): void {
    this.#free.get(block.bytes.length)?.push(block);
  }
}
