import type { Argv } from 'yargs';
import type { PruneResult } from '../../api/prune.ts';
import { countText, printable, sizeText } from '../../report/text.ts';
import { EXIT_DONE } from '../failure.ts';
import { interruptible } from '../interrupt.ts';
import { withReadingOptions } from '../options.ts';
import { reporter } from '../session.ts';
import type { Choose, ReadingArguments, Session } from '../session.ts';

interface PruneArguments extends ReadingArguments {
  readonly repo: string;
  readonly keep?: readonly string[] | undefined;
  readonly yes?: boolean | undefined;
  readonly json?: boolean | undefined;
}

/** Adds `cygstrap prune`. */
export function addPrune(yargs: Argv, choose: Choose): Argv {
  return yargs.command(
    'prune <repo>',
    'Delete the archives of a repo that neither its index nor a kept lock needs',
    (y) =>
      withReadingOptions(
        y.positional('repo', {
          type: 'string',
          demandOption: true,
          describe: 'Directory of a repo that cygstrap made',
        }),
      )
        .option('keep', {
          type: 'string',
          array: true,
          requiresArg: true,
          group: 'Repo:',
          describe: 'A lock whose archives stay; repeat for several',
        })
        .option('yes', { type: 'boolean', group: 'Repo:', describe: 'Delete; without it the files are only listed' })
        .example('$0 prune ./repo --keep cygstrap.lock.json', 'what would go')
        .example('$0 prune ./repo --keep old.lock.json --keep new.lock.json --yes', 'and off it goes'),
    (args) => choose((session) => prune(session, args)),
  );
}

async function prune({ output, host }: Session, args: PruneArguments): Promise<number> {
  const { pruneRepo } = await import('../../api/prune.ts');
  const load = { cache: args.noCache !== true, env: host.env, report: reporter(output, args) };
  const result = await interruptible((signal) =>
    pruneRepo({ repo: args.repo, keep: args.keep ?? [], isMeant: args.yes === true }, { load, signal }),
  );
  if (args.json === true) {
    const { SCHEMA } = await import('../../report/json.ts');
    await output.json({ schema: SCHEMA, ...result });
  } else await output.data(printable(pruneText(result)));
  if (!result.isDone && result.remove.length > 0 && args.quiet !== true)
    output.note('hint', 'nothing was deleted; `--yes` does it');
  return EXIT_DONE;
}

function pruneText({ repo, remove, removeBytes, keptFiles, isDone }: PruneResult): string {
  const lines = remove.map(({ path, sizeBytes }) => `${path}: ${sizeText(sizeBytes)}\n`);
  const gone = `${countText(remove.length, 'file')}, ${sizeText(removeBytes)}`;
  return `${lines.join('')}\`${repo}\`: ${isDone ? `deleted ${gone}` : `${gone} to delete`}; ${keptFiles} kept\n`;
}
