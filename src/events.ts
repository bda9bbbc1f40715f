/** Everything a room may want to tell while it works. The command line renders it on stderr; a library caller may
 *  ignore it. */
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
  | { readonly kind: 'resolved'; readonly packages: number; readonly durationMs: number }
  /** Before the first download: what there is to do, and how much of it is there already. */
  | {
      readonly kind: 'fetch-start';
      readonly files: number;
      readonly sizeBytes: number;
      readonly presentFiles: number;
      readonly presentBytes: number;
    }
  /** One attempt to get one file begins. */
  | {
      readonly kind: 'transfer-start';
      readonly path: string;
      readonly site: string;
      readonly sizeBytes: number | undefined;
      readonly fromByte: number;
    }
  /** Bytes of a transfer that came in since the last such event; at most a few a second for each transfer. */
  | { readonly kind: 'transfer-bytes'; readonly path: string; readonly receivedBytes: number }
  /** The file is verified and in place. */
  | { readonly kind: 'transfer-done'; readonly path: string; readonly sizeBytes: number; readonly durationMs: number }
  /** An attempt failed; another follows after the delay, perhaps from another site. */
  | {
      readonly kind: 'transfer-failed';
      readonly path: string;
      readonly site: string;
      readonly attempt: number;
      readonly why: string;
      readonly retryInMs: number | undefined;
    }
  /** A site is tried last from now on, until it has delivered again. */
  | { readonly kind: 'site-demoted'; readonly site: string; readonly why: string }
  /** A stage of a machine is made, or found made; `key` names it. */
  | { readonly kind: 'stage-start'; readonly stage: string; readonly key: string }
  | { readonly kind: 'stage-reused'; readonly stage: string; readonly key: string }
  /** What the guest, or we, do in it now; perhaps the so-manieth of several like it. */
  | {
      readonly kind: 'stage-step';
      readonly stage: string;
      readonly text: string;
      readonly step?: { readonly number: number; readonly of: number } | undefined;
    }
  | { readonly kind: 'stage-done'; readonly stage: string; readonly key: string; readonly durationMs: number };

/** Receives events in the order they happen. Must not throw. */
export type Report = (event: Event) => void;
