import { UnknownConstruct } from './cmd-text.ts';

/** Ends a statement: execution goes on at a label, after the batch file, or after the process. */
export class Jump extends Error {
  readonly to: { readonly label: string } | 'end-of-batch' | 'end-of-process';
  constructor(to: Jump['to']) {
    super('a jump');
    this.to = to;
  }
}

/** A batch file that runs; none for the command line of Setup itself. */
export interface Batch {
  readonly lines: readonly string[];
  /** The first is the path of the file. */
  readonly args: readonly string[];
}

export function jumpTo(label: string): Jump {
  return new Jump(/^eof$/i.test(label) ? 'end-of-batch' : { label });
}

export function lineOf({ lines }: Batch, label: string): number {
  const wanted = label.toLowerCase();
  const at = lines.findIndex((line) => /^\s*:\s*([^\s:]+)/.exec(line)?.[1]?.toLowerCase() === wanted);
  if (at < 0) throw new UnknownConstruct(`no label ${label}`);
  return at + 1;
}
