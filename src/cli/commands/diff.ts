import type { Argv } from 'yargs';
import type { LoadedCatalog } from '../../api/load-catalog.ts';
import { columns, printable, sizeText } from '../../report/text.ts';
import type { Difference } from '../../core/resolve/diff.ts';
import { EXIT_DONE } from '../failure.ts';
import { restoreDashes, splitList, withReadingOptions, withRequestOptions } from '../options.ts';
import { refuse } from '../refuse.ts';
import { requestOf } from '../request.ts';
import type { RequestArguments } from '../request.ts';
import { openCatalog, reporter } from '../session.ts';
import type { Choose, ReadingArguments, Session } from '../session.ts';

interface DiffArguments extends ReadingArguments, RequestArguments {
  readonly old: string;
  readonly new: string;
  readonly plan?: readonly string[] | undefined;
  readonly json?: boolean | undefined;
}

/** Adds `cygstrap diff`. */
export function addDiff(yargs: Argv, choose: Choose): Argv {
  return yargs.command(
    'diff <old> <new> [packages..]',
    'Compare two indexes, or what a request comes to with each',
    (y) => {
      const named = y
        .positional('old', {
          type: 'string',
          demandOption: true,
          describe: 'The older index, plain or compressed, or - for stdin',
        })
        .positional('new', { type: 'string', demandOption: true, describe: 'The newer one' })
        .positional('packages', { type: 'string', array: true, describe: 'More packages, as with --plan' });
      return withRequestOptions(withReadingOptions(named))
        .option('plan', {
          type: 'string',
          array: true,
          group: 'Request:',
          describe: 'Compare the plans for these packages (and Base) instead',
        })
        .example('$0 diff monday/setup.xz friday/setup.xz', 'packages added, removed and changed')
        .example(
          '$0 diff monday/setup.xz friday/setup.xz --plan openssh,git',
          'how an installation of these would change',
        );
    },
    (args) => {
      const [before, after] = [restoreDashes(args.old), restoreDashes(args.new)];
      const wished = [...(args.plan ?? []), ...(args.packages ?? [])];
      const hasRequest =
        [args.plan, args.packages, args.category, args.buildDepends].some(
          (list) => list !== undefined && list.length > 0,
        ) || args.plan !== undefined;
      choose((session) => diff(session, { ...args, old: before, new: after, plan: hasRequest ? wished : undefined }));
    },
  );
}

async function diff(session: Session, args: DiffArguments): Promise<number> {
  const request = args.plan === undefined ? undefined : await requestOf(splitList(args.plan), args);
  const digest = args.json === true;
  const before = await openCatalog(session, { ...args, index: [args.old] }, { takesStdin: args.new === '-', digest });
  const after = await openCatalog(session, { ...args, index: [args.new] }, { digest });
  if (request === undefined) {
    const { compareIndexes } = await import('../../api/diff.ts');
    const difference = compareIndexes(before, after);
    await print(session, args, { before, after, difference });
    return EXIT_DONE;
  }
  const { comparePlans } = await import('../../api/diff.ts');
  const comparison = comparePlans(before, after, request, reporter(session.output, args));
  if (comparison.kind === 'conflict') {
    const index = comparison.side === 'old' ? args.old : args.new;
    if (args.json !== true) session.output.plain(printable(`with the ${comparison.side} index, \`${index}\`:`));
    return refuse(session.output, comparison.conflicts, args.json === true ? 'json' : 'text');
  }
  await print(session, args, { before, after, difference: comparison.difference });
  return EXIT_DONE;
}

interface Comparison {
  readonly before: LoadedCatalog;
  readonly after: LoadedCatalog;
  readonly difference: Difference & { readonly downloadBytes?: number };
}

async function print(
  { output }: Session,
  args: DiffArguments,
  { before, after, difference }: Comparison,
): Promise<void> {
  if (args.json !== true) return output.data(printable(differenceText(difference)));
  const { SCHEMA } = await import('../../report/json.ts');
  return output.json({ schema: SCHEMA, old: before.indexes[0], new: after.indexes[0], ...difference });
}

function differenceText({ added, removed, changed, downloadBytes }: Comparison['difference']): string {
  const rows = [
    ...added.map(({ name, version }) => ({ name, cells: ['+', name, '', version] })),
    ...removed.map(({ name, version }) => ({ name, cells: ['-', name, version] })),
    ...changed.map(({ name, from, to, direction }) => ({ name, cells: ['~', name, from, to, direction] })),
  ].sort((a, b) => (a.name < b.name ? -1 : 1));
  const totals = `${added.length} added, ${removed.length} removed, ${changed.length} changed`;
  return `${columns(rows.map(({ cells }) => cells))}${totals}${downloadBytes === undefined ? '' : `, ${sizeText(downloadBytes)} to download`}\n`;
}
