/** The part of lzma-native's binding that `xz.ts` drives. The package's own wrapper around it is not used: it cuts its input at
 *  every `YZ`, one thread hop each, which a hostile file can make last for hours. */
declare module 'lzma-native' {
  export interface LzmaError extends Error {
    /** The name of liblzma's return code, such as `LZMA_DATA_ERROR`. */
    readonly name: string;
  }

  export interface LzmaStream {
    /** Called on the main thread after each piece of work: with a buffer of output; or with null, at the end of the data or with
     *  an error; or with the number of inputs done, which comes last. */
    bufferHandler: (
      output: Uint8Array | null | undefined,
      inputsDone: number | undefined,
      error: LzmaError | null | undefined,
    ) => void;
    streamDecoder_(memoryLimitBytes: number, flags: number): void;
    setBufsize(sizeBytes: number): void;
    /** Copies the input and queues it; null says that no more will come. */
    code(input: Uint8Array | null, onAnotherThread: boolean): void;
    /** Frees the decoder; waits for work in progress. */
    resetUnderlying(): void;
  }

  export interface Lzma {
    readonly Stream: new () => LzmaStream;
    readonly CONCATENATED: number;
    readonly TELL_UNSUPPORTED_CHECK: number;
    /** Only the tests compress. */
    readonly compress: (input: Uint8Array, options: { readonly preset: number }) => Promise<Uint8Array>;
  }
  const lzma: Lzma;
  export default lzma;
}
