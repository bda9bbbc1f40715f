import type { ServedAddress } from '../../api/serve.ts';
import { defineCommand, documentDefault, one, parsed, value } from '../options/declare.ts';
import type { Arguments } from '../options/declare.ts';
import { pathOf } from '../options/path.ts';
import { EXIT_DONE, EXIT_INTERRUPTED } from '../terminal/failure.ts';
import { setupText } from '../../report/setup-line.ts';
import { untilStopped } from '../terminal/interrupt.ts';
import { OUTPUT_OPTIONS } from '../options/options.ts';
import { reporter } from '../terminal/reporter.ts';
import type { Session } from '../terminal/session.ts';
import { wholeNumber } from '../options/units.ts';

const OPTIONS = {
  host: documentDefault(value('ADDRESS', 'Listen on this address; 0.0.0.0 for all interfaces'), '127.0.0.1'),
  port: documentDefault(parsed('N', 'Listen on this port', wholeNumber(0, 65_535)), 'any free one'),
  lock: value('FILE', 'Print the call of setup for this lock'),
  ...OUTPUT_OPTIONS,
};

export const serveCommand = defineCommand({
  name: 'serve',
  summary: 'Serve a repo over HTTP, for setup and for cygstrap',
  positionals: { repo: one('Directory of the repo', pathOf) },
  options: OPTIONS,
  examples: [
    ['serve ./repo', 'prints the address when it is ready; stop it with Ctrl-C'],
    ['serve ./repo --lock cygstrap.lock.json', 'also prints the call of setup that installs the lock'],
    ['serve ./repo --host 0.0.0.0 --port 8080', 'a mirror for the local network'],
  ],
  run: serveUntilStopped,
});

/** Ends on Ctrl-C with the exit code of an interruption, and on SIGTERM, the regular stop of a service, with success.
 */
async function serveUntilStopped(
  { output }: Session,
  args: Arguments<typeof OPTIONS> & { readonly repo: string },
): Promise<number> {
  const { serveRepo } = await import('../../api/serve.ts');
  const server = await serveRepo(args, { report: reporter(output, args) });
  const stopped = untilStopped();
  try {
    if (args.json) {
      const { SCHEMA } = await import('../../report/json.ts');
      await output.json({ schema: SCHEMA, url: server.url, addresses: server.addresses }, 'line');
    } else await output.data(server.addresses.map(addressText).join(''));
    return (await stopped) === 'SIGINT' ? EXIT_INTERRUPTED : EXIT_DONE;
  } finally {
    await server.close();
  }
}

function addressText({ url, setup }: ServedAddress): string {
  return `${url}\n${setupText(setup)}`;
}
