/** Everything a room may want to tell while it works. The command line renders it on stderr; a library caller may ignore it. */
export type Event =
  /** Something the user should know about the input. */
  | { readonly kind: 'warning'; readonly message: string }
  /** Something that only matters when looking into what happened. */
  | { readonly kind: 'note'; readonly message: string }
  | {
      readonly kind: 'index-read';
      readonly name: string;
      /** As read, before decompression. */
      readonly sizeBytes: number;
      readonly packages: number;
      readonly isFromCache: boolean;
      readonly durationMs: number;
    }
  | { readonly kind: 'resolved'; readonly packages: number; readonly durationMs: number };

/** Receives events in the order they happen. Must not throw. */
export type Report = (event: Event) => void;
