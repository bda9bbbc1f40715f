import type { Argv } from 'yargs';
import { printable } from '../../report/text.ts';
import type { WhyChain, WhyStep } from '../../core/resolve/why.ts';
import { EXIT_DONE, EXIT_NO, reportFailure } from '../failure.ts';
import { splitList, withIndexOptions, withRequestOptions } from '../options.ts';
import { requestOf } from '../request.ts';
import type { RequestArguments } from '../request.ts';
import { refuse } from '../refuse.ts';
import { openCatalog, reporter } from '../session.ts';
import type { Choose, ReadingArguments, Session } from '../session.ts';

interface WhyArguments extends ReadingArguments, RequestArguments {
  readonly package: string;
  readonly for?: readonly string[] | undefined;
  readonly json?: boolean | undefined;
}

/** Adds `cygstrap why`. */
export function addWhy(yargs: Argv, choose: Choose): Argv {
  return yargs.command(
    'why <package> [packages..]',
    'Tell which shortest chains bring a package into a plan',
    (y) => {
      const named = y
        .positional('package', { type: 'string', demandOption: true, describe: 'Name of the package' })
        .positional('packages', { type: 'string', array: true, describe: 'Packages the plan is for, as with --for' });
      return withRequestOptions(withIndexOptions(named))
        .option('for', {
          type: 'string',
          array: true,
          requiresArg: true,
          group: 'Request:',
          describe: 'Packages the plan is for; repeat or separate by commas',
        })
        .example('$0 why libssl3 --index setup.xz', 'why every installation has it')
        .example('$0 why libssl3 --for openssh,git --no-base --index setup.xz', 'why these two bring it in');
    },
    (args) => choose((session) => explain(session, { ...args, for: [...(args.for ?? []), ...(args.packages ?? [])] })),
  );
}

async function explain(session: Session, args: WhyArguments): Promise<number> {
  const { output } = session;
  const format = args.json === true ? 'json' : 'text';
  const request = await requestOf(splitList(args.for), args);
  const loaded = await openCatalog(session, args, { digest: format === 'json' });
  const { explainPackage } = await import('../../api/why.ts');
  const explanation = explainPackage(loaded, request, args.package, reporter(output, args));
  if (explanation.kind === 'conflict') return refuse(output, explanation.conflicts, format);
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
  } else await output.data(printable(await chainsText(chains)));
  return EXIT_DONE;
}

async function chainsText(chains: readonly WhyChain[]): Promise<string> {
  const { dependencyText } = await import('../../core/resolve/explain.ts');
  const stepText = ({ name, version, dependency }: WhyStep, depth: number): string => {
    const lead = depth === 0 ? '' : `${'    '.repeat(depth - 1)}└── `;
    const wanted =
      dependency === undefined || (dependency.name === name && dependency.op === undefined)
        ? ''
        : ` (for ${dependencyText(dependency)})`;
    return `${lead}${name} ${version}${wanted}`;
  };
  return chains
    .map(({ reason, steps }) =>
      steps.map((step, i) => `${stepText(step, i)}${i === 0 ? ` [${reason}]` : ''}\n`).join(''),
    )
    .join('\n');
}
