/** Everything that an operation reports while it runs. The command line prints it on stderr; a library caller can
 *  ignore it. */
export type Event =
  /** Something the user should know about the input. */
  | { readonly kind: 'warning'; readonly message: string }
  /** Detail that matters for diagnosis only. */
  | { readonly kind: 'note'; readonly message: string }
  | {
      readonly kind: 'index-read';
      readonly name: string;
      /** Before decompression. */
      readonly sizeBytes: number;
      readonly packages: number;
      readonly isFromCache: boolean;
      readonly durationMs: number;
    }
  | { readonly kind: 'resolved'; readonly packages: number; readonly durationMs: number }
  /** Before the first download: the total amount and the part that is present already. */
  | {
      readonly kind: 'fetch-start';
      readonly files: number;
      readonly sizeBytes: number;
      readonly presentFiles: number;
      readonly presentBytes: number;
    }
  /** An attempt to download a file starts. */
  | {
      readonly kind: 'transfer-start';
      readonly path: string;
      readonly site: string;
      readonly sizeBytes: number | undefined;
      readonly fromByte: number;
    }
  /** Bytes received since the last event of this transfer; at most a few events per second and transfer. */
  | { readonly kind: 'transfer-bytes'; readonly path: string; readonly receivedBytes: number }
  /** The file is verified and in place. */
  | { readonly kind: 'transfer-done'; readonly path: string; readonly sizeBytes: number; readonly durationMs: number }
  /** An attempt failed; the next one follows after the delay, possibly at another site. */
  | {
      readonly kind: 'transfer-failed';
      readonly path: string;
      readonly site: string;
      readonly attempt: number;
      readonly why: string;
      readonly retryInMs: number | undefined;
    }
  /** The site is tried last until a transfer from it succeeds. */
  | { readonly kind: 'site-demoted'; readonly site: string; readonly why: string }
  /** Before archives are read for the names of their files: those whose list is not known yet. */
  | { readonly kind: 'list-start'; readonly archives: number; readonly sizeBytes: number }
  | { readonly kind: 'archive-listed'; readonly path: string; readonly sizeBytes: number; readonly durationMs: number }
  /** A machine runs; `command` is the command line of QEMU. */
  | {
      readonly kind: 'machine-start';
      readonly name: string;
      readonly pid: number;
      readonly consoleLog: string;
      readonly command: string;
    }
  /** A stage of a machine is made or found; `key` identifies it. */
  | {
      readonly kind: 'stage-start';
      readonly stage: string;
      readonly key: string;
      /** What is installed, if there was a choice. */
      readonly edition?: string;
    }
  | { readonly kind: 'stage-reused'; readonly stage: string; readonly key: string }
  /** The current step; `step` n of m, if known. */
  | {
      readonly kind: 'stage-step';
      readonly stage: string;
      readonly text: string;
      readonly step?: { readonly number: number; readonly of: number } | undefined;
    }
  | { readonly kind: 'stage-done'; readonly stage: string; readonly key: string; readonly durationMs: number };

/** Receives events in order. Must not throw. */
export type Report = (event: Event) => void;
