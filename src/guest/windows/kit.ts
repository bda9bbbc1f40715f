import { createHash } from 'node:crypto';
import { CygstrapError } from '../../errors.ts';
import { cygwinFiles } from '../cygwin/files.ts';
import type { Answers, InstallKit, InstallOptions, MachineTemplate } from '../kind.ts';
import { answerFile } from './answer-file.ts';
import type { AnswerFileAnswers } from './answer-file.ts';
import { LEGACY_TIME_ZONES } from './legacy-numbers.ts';
import { HARDWARE, windowsMachine } from './machine.ts';
import { LEGACY_PROGRESS, WINDOWS_PROGRESS } from './progress.ts';
import { LEGACY_SETUP_LOGS, SETUP_LOGS } from './setup-logs.ts';
import { scriptFiles } from './script.ts';
import { WINDOWS_USER, cygwinPrefix, isLegacyKind } from './options.ts';
import type { WindowsSetup } from './setup.ts';
import { winntSif } from './winnt-sif.ts';

/** Hexadecimal digits of the version of the answers in the description of a stage. */
const VERSION_DIGITS = 12;

/** Returns what an installation of Windows needs. */
export function windowsKit(setup: WindowsSetup): InstallKit {
  const { kind } = setup;
  const isLegacy = isLegacyKind(kind);
  const version = versionOf(setup);
  return {
    key: keyOf(setup, version),
    answerForm: isLegacy ? 'floppy' : 'iso',
    answerFiles: (answers: Answers) => filesOf(setup, answers),
    description: descriptionOf(setup, version),
    edition: editionText(setup),
    installMachine: (options: InstallOptions) => machineOf(setup, options),
    progress: isLegacy ? LEGACY_PROGRESS : WINDOWS_PROGRESS,
    evaluationDays: evaluationDaysOf(setup),
    usualDiskMiB: HARDWARE[kind].usualDiskMiB,
    setupLogs: isLegacy ? LEGACY_SETUP_LOGS : SETUP_LOGS,
    bootFiles: [],
  };
}

/** Returns the evaluation period of an edition. Source: Microsoft's Evaluation Center. */
function evaluationDaysOf({ edition: { isEvaluation, isServer } }: WindowsSetup): number | undefined {
  if (!isEvaluation) return undefined;
  return isServer ? 180 : 90;
}

function filesOf(setup: WindowsSetup, answers: Answers): ReadonlyMap<string, Uint8Array> {
  if (answers.setup === undefined)
    throw new CygstrapError('repo', 'the medium does not have the setup program, which installs Cygwin on Windows', {
      hint: 'fetch it with `cygstrap fetch --installer`, or add it to the medium: `--add FILE`',
    });
  const { kind, customization } = setup;
  const { commands, hasDrivers } = customization ?? {};
  return new Map([
    ...(customization?.files ?? []),
    ...scriptFiles({ kind, nonce: answers.nonce, commands, hasDrivers, setup: answers.setup }),
    ...cygwinFiles(cygwinPrefix(kind), WINDOWS_USER, answers),
    answersOf(setup, answers),
  ]);
}

function machineOf({ kind, medium }: WindowsSetup, { disk, repo, answers }: InstallOptions): MachineTemplate {
  const cdroms = [
    { id: 'windows', path: medium.path },
    { id: 'repo', path: repo },
  ];
  const answerMedium = { id: 'answers', path: answers };
  const isLegacy = isLegacyKind(kind);
  return {
    ...windowsMachine(kind, disk, { kind: 'none' }),
    cdroms: isLegacy ? cdroms : [...cdroms, answerMedium],
    floppies: isLegacy ? [answerMedium] : [],
    boot: { kind: 'disk-then-cdrom' },
  };
}

function descriptionOf(setup: WindowsSetup, version: string): string[] {
  const { medium, isoSha256, locale, timeZone, computerName, productKey, customization } = setup;
  return [
    `medium ${medium.label}, sha256 ${isoSha256}`,
    editionText(setup),
    `answers version ${version.slice(0, VERSION_DIGITS)}`,
    `${productKey === undefined ? 'without' : 'with'} a product key`,
    `locale ${locale}, time zone ${timeZone}, computer name ${computerName}`,
    ...(customization === undefined ? [] : [`customization sha256 ${customization.digest}`]),
  ];
}

function editionText({ edition: { index, name, version, arch } }: WindowsSetup): string {
  return `edition ${index}: ${name}, ${version}, ${arch}`;
}

/** Returns the name and the content of the file with the answers. */
function answersOf(
  { kind, medium, edition, arch, locale, timeZone, computerName, productKey, customization }: WindowsSetup,
  { password, firmware }: Pick<Answers, 'password' | 'firmware'>,
): readonly [string, Uint8Array] {
  const common = { password, firmware, arch, edition: edition.index, locale, computerName, productKey };
  const uiLanguage = medium.setupLanguage ?? edition.languages[0] ?? 'en-US';
  if (isLegacyKind(kind)) {
    const number = LEGACY_TIME_ZONES[timeZone];
    if (number === undefined) throw new Error(`checkNames accepts no time zone \`${timeZone}\``);
    return ['winnt.sif', Buffer.from(winntSif({ ...common, kind, uiLanguage, timeZone: number }), 'latin1')];
  }
  const answers: AnswerFileAnswers = { ...common, kind, uiLanguage, timeZone };
  return ['autounattend.xml', Buffer.from(answerFile(answers, customization?.settings))];
}

/** Returns a hash of the answers, the script and the machine, with fixed values for what is secret or differs in each
 *  installation: it changes with everything of cygstrap that changes an installed disk. */
function versionOf(setup: WindowsSetup): string {
  const { kind, medium, productKey } = setup;
  const shown = { ...setup, medium: { ...medium, path: '' }, productKey: productKey && 'given' };
  const disk = { kind: 'file', path: '', format: 'qcow2', writes: 'persistent' } as const;
  const hash = createHash('sha256').update(JSON.stringify(machineOf(shown, { disk, repo: '', answers: '' })));
  const fixed = {
    nonce: '0',
    password: '',
    authorizedKey: '',
    hostKey: { privateKey: '', publicKey: '' },
    archives: [],
    setup: { program: '', arguments: [], arch: setup.arch === 'x86' ? 'x86' : 'x86_64', packages: 0 },
  } as const;
  for (const firmware of HARDWARE[kind].firmwares)
    for (const [name, bytes] of filesOf(shown, { ...fixed, firmware })) hash.update(name).update(bytes);
  return hash.digest('hex');
}

/** Returns a hash of the choices of the user. Of a product key it only contains whether there is one. */
function keyOf({ kind, isoSha256, edition, customization }: WindowsSetup, version: string): string {
  const parts = [version, kind, isoSha256, edition.index, customization?.digest ?? null];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
