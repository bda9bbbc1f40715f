import type { LoadedCatalog } from '../../api/load-catalog.ts';
import { sizeText } from '../../report/text.ts';
import type { Difference } from '../../core/version/differences.ts';
import { defineCommand, grouped, list, one, optional, rest } from '../options/declare.ts';
import type { Arguments } from '../options/declare.ts';
import { answerContext } from '../terminal/answer-context.ts';
import { EXIT_DONE } from '../terminal/failure.ts';
import { PLAN_OPTIONS, SOURCE_OPTIONS, ANSWER_OPTIONS } from '../options/options.ts';
import { interruptible } from '../terminal/interrupt.ts';
import { refuse } from '../terminal/refuse.ts';
import { pathOrUrlOf } from '../options/path.ts';
import { requestOf } from '../options/request.ts';
import { openCatalog } from '../terminal/open-catalog.ts';
import { reporter } from '../terminal/reporter.ts';
import type { Session } from '../terminal/session.ts';

type DiffArguments = Arguments<typeof OPTIONS> & Arguments<typeof POSITIONALS>;

const POSITIONALS = {
  old: one('The older index, plain or compressed, or - for stdin', pathOrUrlOf),
  new: optional('The newer index; by default that of the sites', pathOrUrlOf),
  packages: rest('More packages for --plan'),
};

const OPTIONS = {
  ...SOURCE_OPTIONS,
  ...PLAN_OPTIONS,
  ...ANSWER_OPTIONS,
  ...grouped('Request', {
    plan: list('NAME', 'Compare the plans for these packages and Base; repeat, or separate by commas'),
  }),
};

export const diffCommand = defineCommand({
  name: 'diff',
  summary: 'Compare two indexes, or the plans for one request with each',
  positionals: POSITIONALS,
  options: OPTIONS,
  examples: [
    ['diff monday/setup.xz friday/setup.xz', 'packages added, removed and changed'],
    ['diff monday/setup.xz friday/setup.xz --plan openssh,git', 'how an installation of these would change'],
  ],
  run: (session, args) => interruptible((signal) => compare(session, args, signal)),
});

async function compare(session: Session, args: DiffArguments, signal: AbortSignal): Promise<number> {
  const packages = [...args.plan, ...args.packages];
  const hasRequest = [packages, args.category, args.buildDepends].some((names) => names.length > 0);
  const request = hasRequest ? await requestOf(packages, args, reporter(session.output, args)) : undefined;
  const digest = args.json;
  const older = { ...args, site: [], addSite: [], unsignedSite: [], index: [args.old] };
  const before = await openCatalog(session, older, { isStdinTaken: args.new === '-', digest });
  signal.throwIfAborted();
  const after = await openCatalog(session, { ...args, index: args.new === undefined ? [] : [args.new] }, { digest });
  // Between two interruptible steps.
  signal.throwIfAborted();
  if (request === undefined) {
    const { compareIndexes } = await import('../../api/diff.ts');
    const difference = compareIndexes(before, after);
    await print(session, args, { before, after, difference });
    return EXIT_DONE;
  }
  const { comparePlans } = await import('../../api/diff.ts');
  const context = answerContext(session, args);
  const comparison = await comparePlans(before, after, request, { ...context, signal });
  if (comparison.kind === 'conflict') {
    const index = comparison.side === 'old' ? args.old : (args.new ?? after.indexes[0]?.name ?? '');
    if (!args.json) session.output.plain(`with the ${comparison.side} index, \`${index}\`:`);
    return refuse(session.output, comparison.conflicts, args);
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
  if (!args.json) {
    const { differenceText } = await import('../../report/difference.ts');
    const { downloadBytes } = difference;
    const download = downloadBytes === undefined ? '' : `, ${sizeText(downloadBytes)} to download`;
    return output.data(`${differenceText(difference)}${download}\n`);
  }
  const { SCHEMA } = await import('../../report/json.ts');
  return output.json({ schema: SCHEMA, old: before.indexes[0], new: after.indexes[0], ...difference });
}
