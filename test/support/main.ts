import { NO_SITES } from './no-sites.ts';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { main } from '../../src/cli/main.ts';

/** What a command line printed, and its exit code. */
export interface Run {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line in this process, with a directory for the caches of the user. */
export async function runMain(argv: readonly string[], cacheHome: string): Promise<Run> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const texts = Promise.all([text(stdout), text(stderr)]);
  const exit = await main(argv, {
    stdin: Readable.from([]),
    stdout,
    stderr,
    env: { XDG_CACHE_HOME: cacheHome, XDG_CONFIG_HOME: NO_SITES },
  });
  stdout.end();
  stderr.end();
  const [out, err] = await texts;
  return { exit, stdout: out, stderr: err };
}
