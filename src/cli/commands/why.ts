import { MAX_LINES } from '../../report/lines.ts';
import { defineCommand, grouped, list, one, rest } from '../options/declare.ts';
import type { Arguments } from '../options/declare.ts';
import { answerContext } from '../terminal/answer-context.ts';
import { EXIT_DONE, EXIT_NO, reportFailure } from '../terminal/failure.ts';
import { INDEX_OPTIONS, PLAN_OPTIONS, ANSWER_OPTIONS } from '../options/options.ts';
import { interruptible } from '../terminal/interrupt.ts';
import { CONFIG_OPTION, projectOptionsOf } from '../options/project.ts';
import { refuse } from '../terminal/refuse.ts';
import { openCatalog } from '../terminal/open-catalog.ts';
import { reporter } from '../terminal/reporter.ts';
import type { Session } from '../terminal/session.ts';

const POSITIONALS = { package: one('Name of the package'), packages: rest('More packages for --for') };

const OPTIONS = {
  ...INDEX_OPTIONS,
  ...PLAN_OPTIONS,
  ...CONFIG_OPTION,
  ...ANSWER_OPTIONS,
  ...grouped('Request', { for: list('NAME', 'Plan for this package; repeat, or separate by commas') }),
};

export const whyCommand = defineCommand({
  name: 'why',
  summary: 'Print the shortest dependency chains that add a package to a plan',
  positionals: POSITIONALS,
  options: OPTIONS,
  examples: [
    ['why libssl3 --index setup.xz', 'why every installation has it'],
    ['why libssl3 --for openssh,git --no-base --index setup.xz', 'why these two need it'],
  ],
  run: explain,
});

async function explain(
  session: Session,
  args: Arguments<typeof OPTIONS> & Arguments<typeof POSITIONALS>,
): Promise<number> {
  const { output } = session;
  const format = args.json ? 'json' : 'text';
  const project = await projectOptionsOf(
    { ...args, packages: [...args.for, ...args.packages] },
    { report: reporter(session.output, args) },
  );
  const { request } = project;
  // Load the resolver while the index is read.
  const [loaded, { explainPackage }] = await Promise.all([
    openCatalog(session, args, { digest: format === 'json', project }),
    import('../../api/why.ts'),
  ]);
  const context = answerContext(session, args);
  const explanation = await interruptible((signal) =>
    explainPackage(loaded, request, args.package, { ...context, signal }),
  );
  if (explanation.kind === 'conflict') return refuse(output, explanation.conflicts, args);
  if (explanation.kind === 'absent') {
    await reportFailure(explanation.error, output, format);
    return EXIT_NO;
  }
  const { package: pkg, chains } = explanation;
  if (format === 'json') {
    const { envelope } = await import('../../report/json.ts');
    await output.json({
      ...envelope(loaded.indexes),
      package: { name: pkg.name, version: pkg.version, reason: pkg.reason, requiredBy: pkg.requiredBy },
      chains,
    });
  } else {
    const { chainsText } = await import('../../report/chains.ts');
    await output.data(chainsText(chains, { maxLines: args.full ? undefined : MAX_LINES }));
  }
  return EXIT_DONE;
}
