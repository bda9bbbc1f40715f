import process from 'node:process';
import type { Argv } from 'yargs';
import type { DoctorResult } from '../../api/doctor.ts';
import { columns, countText, printable } from '../../report/text.ts';
import type { DistributionFamily } from '../../vm/host.ts';
import type { Mend, Need } from '../../vm/probe/needs.ts';
import { EXIT_DONE, EXIT_NO } from '../failure.ts';
import { interruptible } from '../interrupt.ts';
import type { Choose, Session } from '../session.ts';

interface DoctorArguments {
  readonly fix?: boolean | undefined;
  readonly json?: boolean | undefined;
}

const FAMILY_NAMES: Readonly<Record<DistributionFamily, string>> = {
  debian: 'Debian, Ubuntu',
  fedora: 'Fedora',
  arch: 'Arch',
  nix: 'Nix',
};

/** Adds `cygstrap doctor`. */
export function addDoctor(yargs: Argv, choose: Choose): Argv {
  return yargs.command(
    'doctor',
    'Tell what this computer has and lacks for running machines',
    (y) =>
      y
        .option('fix', { type: 'boolean', describe: "Install what is missing with the system's package manager" })
        .option('json', { type: 'boolean', group: 'Output:', describe: 'Print JSON; README tells its fields' })
        .example('$0 doctor', 'exit 1 when something is missing that no machine runs without')
        .example('$0 doctor --fix', 'as root it installs; else it prints the command to run'),
    (args) => choose((session) => doctor(session, args)),
  );
}

async function doctor(session: Session, args: DoctorArguments): Promise<number> {
  const { host, output } = session;
  const { examineHost } = await import('../../api/doctor.ts');
  const examine = (): Promise<DoctorResult> =>
    interruptible((signal) => examineHost({ environment: host.env, signal }));
  const found = await examine();
  const result =
    args.fix === true && found.mends.length > 0 && (await isFixed(session, found)) ? await examine() : found;
  if (args.json === true) {
    const { SCHEMA } = await import('../../report/json.ts');
    await output.json({ schema: SCHEMA, ...result });
  } else await output.data(printable(doctorText(result)));
  return result.isReady ? EXIT_DONE : EXIT_NO;
}

async function isFixed({ host, output }: Session, found: DoctorResult): Promise<boolean> {
  const { mendHost } = await import('../../api/doctor.ts');
  const left = await mendHost(found, {
    environment: host.env,
    isRoot: process.getuid?.() === 0,
    onOutput: (text) => output.plain(printable(text.trimEnd())),
  });
  if (left !== undefined) output.note('hint', `only you can install that: \`${commandText(left)}\``);
  return left === undefined;
}

/** What `cygstrap doctor` prints. */
export function doctorText({ host, needs, mends, isReady }: DoctorResult): string {
  const rows = needs.map((need) => [stateOf(need), need.name, need.found, need.purpose]);
  const advice = needs
    .filter(({ isMet, advice: text }) => !isMet && text !== undefined)
    .map(({ name, advice: text = '' }) => `${name}: ${text}\n`);
  const lacking = needs.filter(({ isMet, packages }) => !isMet && packages !== undefined).length;
  const here = host.distribution.family;
  const commands = mends.map((mend) => [
    `  ${FAMILY_NAMES[mend.family]}${mend.family === here ? ' (this system)' : ''}`,
    commandText(mend),
  ]);
  const parts = [
    columns(rows),
    advice.join(''),
    commands.length === 0
      ? ''
      : `${lacking === 1 ? 'What is missing' : `The ${countText(lacking, 'thing')} that are missing`} can be installed by\n${columns(commands)}`,
    isReady ? 'This computer can run machines.\n' : 'This computer cannot run machines yet.\n',
  ];
  return parts.filter((part) => part !== '').join('\n');
}

function stateOf({ isMet, isRequired }: Need): string {
  if (isMet) return 'have';
  return isRequired ? 'LACK' : 'lack';
}

function commandText({ argv, needsRoot }: Mend): string {
  return `${needsRoot ? 'sudo ' : ''}${argv.join(' ')}`;
}
