/** The part of lzma-native's native binding that `xz.ts` uses. The package's own wrapper splits its input at every `YZ`
 *  and switches threads for each piece; a malicious file can extend that to hours. */
declare module 'lzma-native' {
  export interface LzmaError extends Error {
    /** The name of liblzma's return code, such as `LZMA_DATA_ERROR`. */
    readonly name: string;
  }

  export interface LzmaStream {
    /** Called on the main thread with a buffer of output; with null at the end of the data or for an error; and last,
     *  with the number of inputs that were decoded. */
    bufferHandler: (
      output: Uint8Array | null | undefined,
      inputsDone: number | undefined,
      error: LzmaError | null | undefined,
    ) => void;
    streamDecoder_(memoryLimitBytes: number, flags: number): void;
    setBufsize(sizeBytes: number): void;
    /** Copies and queues the input; null marks its end. */
    code(input: Uint8Array | null, onAnotherThread: boolean): void;
    /** Waits for the current work, then frees the decoder. */
    resetUnderlying(): void;
  }

  export interface Lzma {
    readonly Stream: new () => LzmaStream;
    readonly CONCATENATED: number;
    readonly TELL_UNSUPPORTED_CHECK: number;
    /** Used by tests only. */
    readonly compress: (input: Uint8Array, options: { readonly preset: number }) => Promise<Uint8Array>;
  }
  const lzma: Lzma;
  export default lzma;
}
