import type { DoctorResult } from '../../api/doctor.ts';
import { columns } from '../../report/text.ts';
import { defineCommand, flag } from '../options/declare.ts';
import type { Arguments } from '../options/declare.ts';
import { EXIT_DONE, EXIT_NO } from '../terminal/failure.ts';
import { interruptible } from '../terminal/interrupt.ts';
import { OUTPUT_OPTIONS } from '../options/options.ts';
import type { Session } from '../terminal/session.ts';

type Need = DoctorResult['needs'][number];
type InstallCommand = DoctorResult['mends'][number];

const FAMILY_NAMES: Readonly<Record<InstallCommand['family'], string>> = {
  debian: 'Debian, Ubuntu',
  fedora: 'Fedora',
  arch: 'Arch',
  nix: 'Nix',
};

export const doctorCommand = defineCommand({
  name: 'doctor',
  summary: 'Check whether this computer can run machines, and list what is missing',
  options: { fix: flag('Install what is missing with the package manager of the system'), ...OUTPUT_OPTIONS },
  examples: [
    ['doctor', 'exit 1 when something is missing that every machine needs'],
    ['doctor --fix', 'install it as root; other users see the command to run'],
  ],
  run: examine,
});

type DoctorArguments = Arguments<typeof OUTPUT_OPTIONS> & { readonly fix: boolean };

async function examine(session: Session, args: DoctorArguments): Promise<number> {
  const { host, output } = session;
  const { examineHost } = await import('../../api/doctor.ts');
  const look = (): Promise<DoctorResult> => interruptible((signal) => examineHost({ env: host.env, signal }));
  const found = await look();
  const result = args.fix && found.mends.length > 0 && (await isFixed(session, args, found)) ? await look() : found;
  if (args.json) {
    const { SCHEMA } = await import('../../report/json.ts');
    await output.json({ schema: SCHEMA, ...result });
  } else await output.data(doctorText(result));
  return result.isReady ? EXIT_DONE : EXIT_NO;
}

async function isFixed({ host, output }: Session, { quiet }: DoctorArguments, found: DoctorResult): Promise<boolean> {
  const { fixHost } = await import('../../api/doctor.ts');
  const left = await fixHost(found, {
    env: host.env,
    onOutput: (text) => {
      if (!quiet) output.plain(text.trimEnd());
    },
  });
  if (left !== undefined && !quiet) output.note('hint', `run \`${commandText(left)}\` to install what is missing`);
  return left === undefined;
}

/** Renders the result of `cygstrap doctor`. */
export function doctorText({ platform, host, needs, mends, isReady }: DoctorResult): string {
  const rows = needs.map((need) => [stateOf(need), need.name, need.found, need.purpose]);
  const advice = needs
    .filter(({ isMet, advice: text }) => !isMet && text !== undefined)
    .map(({ name, advice: text = '' }) => `${name}: ${text}\n`);
  const here = host.distribution.family;
  const commands = mends.map((mend) => [
    `  ${FAMILY_NAMES[mend.family]}${mend.family === here ? ' (this system)' : ''}`,
    commandText(mend),
  ]);
  const parts = [
    columns(rows),
    advice.join(''),
    commands.length === 0 ? '' : `Install what is missing with\n${columns(commands)}`,
    verdict(platform, isReady),
  ];
  return parts.filter((part) => part !== '').join('\n');
}

function verdict(platform: string, isReady: boolean): string {
  if (platform !== 'linux')
    return 'Machines run on Linux only. Plans, locks, repos, bundles and `install` need none of these programs.\n';
  return isReady ? 'This computer can run machines.\n' : 'This computer cannot run machines yet.\n';
}

function stateOf({ isMet, isRequired }: Need): string {
  if (isMet) return 'found';
  return isRequired ? 'MISSING' : 'missing';
}

function commandText({ argv, needsRoot }: InstallCommand): string {
  return `${needsRoot ? 'sudo ' : ''}${argv.join(' ')}`;
}
