import type { Argv } from 'yargs';
import type { Answer } from '../../api/answer.ts';
import type { BatchAnswer } from '../../api/batch.ts';
import type { LoadedCatalog } from '../../api/load-catalog.ts';
import type { Plan, ResolveRequest } from '../../core/resolve/plan.ts';
import { EXIT_DONE, UsageError } from '../failure.ts';
import { splitList, withIndexOptions, withPlanOptions, withRequestOptions } from '../options.ts';
import type { Format } from '../options.ts';
import type { Output } from '../output.ts';
import { refuse } from '../refuse.ts';
import { requestOf } from '../request.ts';
import type { RequestArguments } from '../request.ts';
import { openCatalog, reporter } from '../session.ts';
import type { Choose, ReadingArguments, Session } from '../session.ts';

interface ResolveArguments extends ReadingArguments, RequestArguments {
  readonly packages: readonly string[];
  readonly json?: boolean | undefined;
  readonly format?: Format | undefined;
  readonly site?: string | undefined;
  readonly batch?: string | undefined;
}

/** Adds `cygstrap resolve`. */
export function addResolve(yargs: Argv, choose: Choose): Argv {
  return yargs.command(
    'resolve [packages..]',
    "Print the plan that Cygwin's setup would carry out",
    (y) => {
      const named = y.positional('packages', {
        type: 'string',
        array: true,
        describe: 'Packages, or NAME=VERSION for one version',
      });
      return withPlanOptions(withRequestOptions(withIndexOptions(named)))
        .example('$0 resolve gcc-core openssh --index setup.xz', 'packages, versions and sizes, Base included')
        .example('$0 resolve vim=9.0.2155-1 --no-base --format tree --index setup.xz', 'one version, as a tree')
        .example(
          '$0 resolve git --format urls --site https://mirror.example/cygwin/ --index setup.xz',
          'what to download',
        )
        .example('$0 resolve --batch requests.jsonl --index setup.xz', 'many answers from one reading of the index');
    },
    (args) => {
      const packages = [...(args.packages ?? []), ...args._.slice(1).map(String)];
      choose((session) =>
        args.batch === undefined
          ? resolveOnce(session, { ...args, packages })
          : resolveBatch(session, { ...args, packages }, args.batch),
      );
    },
  );
}

async function resolveOnce(session: Session, args: ResolveArguments): Promise<number> {
  const format = formatOf(args);
  if (args.site !== undefined && format !== 'urls' && format !== 'nix')
    throw new UsageError('--site goes with --format urls or nix');
  const request = await requestOf(args.packages, args);
  // What answers is loaded while the index is read.
  const [loaded, { answerRequest }] = await Promise.all([
    openCatalog(session, args, { digest: format === 'json' }),
    import('../../api/answer.ts'),
  ]);
  const answer = answerRequest(loaded, request, reporter(session.output, args));
  if (answer.kind === 'conflict') return refuse(session.output, answer.conflicts, format === 'json' ? 'json' : 'text');
  if (format === 'json') await session.output.json(await answerJson(answer));
  else await session.output.data(await planText(answer.plan, format, args.site));
  return EXIT_DONE;
}

function formatOf({ json, format }: ResolveArguments): Format {
  if (json === true && format !== undefined && format !== 'json')
    throw new UsageError(`--json and --format ${format} do not go together`);
  return json === true ? 'json' : (format ?? 'table');
}

async function planText(plan: Plan, format: Exclude<Format, 'json'>, site: string | undefined): Promise<string> {
  switch (format) {
    case 'table':
      return (await import('../../report/table.ts')).tableText(plan);
    case 'tree':
      return (await import('../../report/tree.ts')).treeText(plan);
    case 'urls':
      return (await import('../../report/urls.ts')).urlsText(plan, site);
    case 'nix':
      return (await import('../../report/nix.ts')).nixText(plan, site);
    case 'dot':
      return (await import('../../report/dot.ts')).dotText(plan);
    default:
      return format satisfies never;
  }
}

async function answerJson(answer: Answer) {
  const { planJson, refusalJson } = await import('../../report/json.ts');
  return answer.kind === 'plan' ? planJson(answer.plan, answer.indexes) : refusalJson(answer.conflicts);
}

async function resolveBatch(session: Session, args: ResolveArguments, file: string): Promise<number> {
  if (args.format !== undefined && args.format !== 'json') throw new UsageError('--batch answers in JSON only');
  if (args.packages.length > 0 || splitList(args.category).length > 0 || splitList(args.buildDepends).length > 0) {
    throw new UsageError('with --batch the packages and categories stand in its lines');
  }
  const defaults = await requestOf([], args);
  const { readBatch } = await import('../../api/batch.ts');
  const chunks = file === '-' ? session.host.stdin : readBatch(file);
  const loaded = await openCatalog(session, args, { takesStdin: file === '-' });
  await answerAll(session.output, loaded, chunks, defaults);
  return EXIT_DONE;
}

async function answerAll(
  output: Output,
  loaded: LoadedCatalog,
  chunks: AsyncIterable<Uint8Array>,
  defaults: ResolveRequest,
): Promise<void> {
  const { answerBatch } = await import('../../api/batch.ts');
  for await (const answer of answerBatch(loaded, chunks, defaults)) {
    await output.json(await batchJson(answer), 'line');
    if (output.isClosed) break;
  }
}

async function batchJson(answer: BatchAnswer) {
  if (answer.kind !== 'failed') return answerJson(answer);
  const { failureJson } = await import('../../report/json.ts');
  return failureJson(answer.error);
}
