import type { Answer } from '../../api/answer.ts';
import type { BatchAnswer } from '../../api/batch.ts';
import type { Plan } from '../../core/resolve/plan.ts';
import { MAX_LINES } from '../../report/lines.ts';
import { choice, defineCommand, documentDefault, excluding, grouped, rest, value } from '../options/declare.ts';
import type { Arguments } from '../options/declare.ts';
import { answerContext } from '../terminal/answer-context.ts';
import { EXIT_DONE, UsageError } from '../terminal/failure.ts';
import { ANSWER_OPTIONS, INDEX_EXCLUDES, INDEX_OPTIONS, PLAN_OPTIONS, SBOM_FORMATS } from '../options/options.ts';
import { interruptible } from '../terminal/interrupt.ts';
import { refuse } from '../terminal/refuse.ts';
import { CONFIG_OPTION, projectOptionsOf, requireRequest } from '../options/project.ts';
import { requestOf } from '../options/request.ts';
import { openCatalog } from '../terminal/open-catalog.ts';
import { reporter } from '../terminal/reporter.ts';
import { printSbom } from '../terminal/sbom.ts';
import type { Session } from '../terminal/session.ts';

type ResolveArguments = Arguments<typeof OPTIONS> & { readonly packages: readonly string[] };

const FORMATS = ['table', 'tree', 'json', 'urls', 'nix', 'dot', ...SBOM_FORMATS] as const;

/** How a plan is printed. */
type Format = (typeof FORMATS)[number];

type SbomFormat = (typeof SBOM_FORMATS)[number];

const OPTIONS = {
  ...INDEX_OPTIONS,
  // With some formats `--site` goes with an index.
  index: excluding(INDEX_OPTIONS.index, INDEX_EXCLUDES.slice(1)),
  json: excluding(INDEX_OPTIONS.json, ['format']),
  ...grouped('Output', { format: documentDefault(choice(FORMATS, 'Print the plan in this format'), 'table') }),
  ...PLAN_OPTIONS,
  ...CONFIG_OPTION,
  ...ANSWER_OPTIONS,
  ...grouped('Request', {
    batch: excluding(
      value('FILE', 'Answer the JSON requests of this file, one a line; - for stdin'),
      ['packages', 'category', 'build-depends'],
      'write packages and categories into its file',
    ),
  }),
};

export const resolveCommand = defineCommand({
  name: 'resolve',
  summary: "Print the plan of Cygwin's setup for a request",
  positionals: { packages: rest('Packages, or NAME=VERSION for one version') },
  options: OPTIONS,
  examples: [
    ['resolve gcc-core openssh --index setup.xz', 'packages, versions and sizes, Base included'],
    ['resolve vim=9.0.2155-1 --no-base --format tree --index setup.xz', 'one version, as a tree'],
    ['resolve git --format urls --site https://mirror.example/cygwin/ --index setup.xz', 'the URLs to download'],
    ['resolve git --format cyclonedx --index setup.xz', 'a software bill of materials'],
    ['resolve --batch requests.jsonl --index setup.xz', 'many answers, with the index read once'],
  ],
  run: (session, args) =>
    args.batch === undefined ? resolveOnce(session, args) : resolveBatch(session, args, args.batch),
});

async function resolveOnce(session: Session, args: ResolveArguments): Promise<number> {
  const format = formatOf(args);
  // In these formats `--site` is also written before every path, with an index from anywhere.
  const isPrefix = args.index.length > 0 && (format === 'urls' || format === 'nix');
  const report = reporter(session.output, args);
  const project = await projectOptionsOf(args, { report });
  await requireRequest(project);
  const { request } = project;
  // Load the resolver while the index is read.
  const [loaded, { resolveRequest }] = await Promise.all([
    openCatalog(session, isPrefix ? { ...args, site: [] } : args, { digest: format === 'json', project }),
    import('../../api/answer.ts'),
  ]);
  if (isSbom(format)) return printSbom(session, args, { kind: 'plan', loaded, request }, format);
  const context = answerContext(session, args);
  const answer = await interruptible((signal) => resolveRequest(loaded, request, { ...context, signal }));
  if (answer.kind === 'conflict')
    return refuse(session.output, answer.conflicts, { json: format === 'json', full: args.full });
  if (format === 'json') await session.output.json(await answerJson(answer));
  else await session.output.data(await planText(answer.plan, format, args));
  return EXIT_DONE;
}

function isSbom(format: Format): format is SbomFormat {
  return SBOM_FORMATS.some((each) => each === format);
}

function formatOf({ json, format }: ResolveArguments): Format {
  return json ? 'json' : (format ?? 'table');
}

async function planText(
  plan: Plan,
  format: Exclude<Format, 'json' | SbomFormat>,
  { site: [site], full }: ResolveArguments,
): Promise<string> {
  switch (format) {
    case 'table':
      return (await import('../../report/table.ts')).tableText(plan);
    case 'tree':
      return (await import('../../report/tree.ts')).treeText(plan, { maxLines: full ? undefined : MAX_LINES });
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
  if (args.format !== undefined && args.format !== 'json') throw new UsageError('--batch prints JSON only');
  const defaults = await requestOf([], args, reporter(session.output, args));
  const { resolveBatch, readBatch } = await import('../../api/batch.ts');
  const chunks = file === '-' ? session.host.stdin : readBatch(file);
  const loaded = await openCatalog(session, args, { isStdinTaken: file === '-' });
  const { solverLimit } = args;
  let answers = 0;
  await interruptible(async (signal) => {
    for await (const answer of resolveBatch(loaded, chunks, defaults, { signal, solverLimit })) {
      answers++;
      await session.output.json(await batchJson(answer), 'line');
      if (session.output.isClosed) break;
    }
  });
  if (answers === 0 && !args.quiet) session.output.note('warning', `\`${file}\` has no request`);
  return EXIT_DONE;
}

async function batchJson(answer: BatchAnswer) {
  if (answer.kind !== 'failed') return answerJson(answer);
  const { failureJson } = await import('../../report/json.ts');
  return failureJson(answer.error);
}
