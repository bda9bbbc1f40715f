import type { Host, Output } from './output.ts';

/** The work of a parsed command line; returns the exit code. */
export type Task = (session: Session) => Promise<number>;

export interface Session {
  readonly host: Host;
  readonly output: Output;
}
