import { NO_SITES } from './no-sites.ts';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { main } from '../../src/cli/main.ts';
import type { Host } from '../../src/cli/terminal/output.ts';

export interface CliRun {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line in this process and returns all that it printed. */
export async function runCli(
  argv: readonly string[],
  parts: { isTTY?: boolean; env?: Host['env']; stdin?: string } = {},
): Promise<CliRun> {
  const stdout = new PassThrough();
  const stderr = Object.assign(new PassThrough(), { isTTY: parts.isTTY ?? false });
  const texts = Promise.all([text(stdout), text(stderr)]);
  const exit = await main(argv, {
    stdin: Readable.from([Buffer.from(parts.stdin ?? '')]),
    stdout,
    stderr,
    env: { XDG_CONFIG_HOME: NO_SITES, ...parts.env },
  });
  stdout.end();
  stderr.end();
  const [out, err] = await texts;
  return { exit, stdout: out, stderr: err };
}
