import type { Argv } from 'yargs';
import { EXIT_DONE, EXIT_INTERRUPTED, UsageError } from '../failure.ts';
import { untilStopped } from '../interrupt.ts';
import { once } from '../options.ts';
import { reporter } from '../session.ts';
import type { Choose, Loudness, Session } from '../session.ts';

interface ServeArguments extends Loudness {
  readonly repo: string;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly json?: boolean | undefined;
}

/** Adds `cygstrap serve`. */
export function addServe(yargs: Argv, choose: Choose): Argv {
  return yargs.command(
    'serve <repo>',
    'Serve a repo over HTTP, for setup and for cygstrap',
    (y) =>
      y
        .positional('repo', { type: 'string', demandOption: true, describe: 'Directory of the repo' })
        .option('host', {
          type: 'string',
          requiresArg: true,
          coerce: once('host'),
          describe: 'Address to listen on; 0.0.0.0 for the whole network [default: 127.0.0.1]',
        })
        .option('port', {
          type: 'string',
          requiresArg: true,
          coerce: portOf,
          describe: 'Port to listen on [default: any free one]',
        })
        .option('json', { type: 'boolean', group: 'Output:', describe: 'Print the address as JSON' })
        .option('quiet', { type: 'boolean', group: 'Output:', describe: 'Say nothing on stderr but errors' })
        .option('verbose', { type: 'boolean', group: 'Output:', describe: 'Tell of every request on stderr' })
        .example('$0 serve ./repo', 'prints the address once it is ready; Ctrl-C ends it')
        .example('$0 serve ./repo --host 0.0.0.0 --port 8080', 'a mirror for the local network'),
    (args) => choose((session) => serve(session, args)),
  );
}

function portOf(value: string | readonly string[] | undefined): number | undefined {
  const text = once('port')(value);
  if (text === undefined) return undefined;
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
    throw new UsageError(`--port must be a number from 0 to 65535: \`${text}\``);
  return Number(text);
}

/** Ends on Ctrl-C as interrupted; on SIGTERM, by which a service is stopped on purpose, as done. */
async function serve({ output }: Session, args: ServeArguments): Promise<number> {
  const commands = await import('../../api/serve.ts');
  const server = await commands.serve(args, reporter(output, args));
  const stopped = untilStopped();
  try {
    if (args.json === true) {
      const { SCHEMA } = await import('../../report/json.ts');
      await output.json({ schema: SCHEMA, url: server.url }, 'line');
    } else await output.data(`${server.url}\n`);
    return (await stopped) === 'SIGINT' ? EXIT_INTERRUPTED : EXIT_DONE;
  } finally {
    await server.close();
  }
}
