import { createHash, randomBytes } from 'node:crypto';
import type { Answers, InstallKit, InstallOptions, MachineTemplate } from '../kind.ts';
import { answerFile } from './answer-file.ts';
import type { AnswerFileAnswers } from './answer-file.ts';
import { LEGACY_TIME_ZONES } from './legacy-numbers.ts';
import { HARDWARE, windowsMachine } from './machine.ts';
import { LEGACY_PROGRESS, WINDOWS_PROGRESS } from './progress.ts';
import { LEGACY_SETUP_LOGS, SETUP_LOGS } from './setup-logs.ts';
import { scriptFiles } from './script.ts';
import type { WindowsAnswers } from './options.ts';
import type { WindowsSetup } from './setup.ts';
import { winntSif } from './winnt-sif.ts';

/** Version of the answers: it changes with everything that changes an installed disk and is not among the choices of
 *  the user. */
const ANSWERS_VERSION = 1;

/** File with the password of the user of the guest, in the directory of its stage. */
export const PASSWORD_FILE = 'password';

/** Returns what an installation of Windows needs. The password is random: each call makes another. */
export function windowsKit(setup: WindowsSetup): InstallKit {
  const { kind, medium, customization } = setup;
  const isLegacy = kind === 'windows-xp' || kind === 'windows-2003';
  const password = randomPassword();
  return {
    key: keyOf(setup),
    answerForm: isLegacy ? 'floppy' : 'iso',
    answerFiles: ({ nonce, firmware }: Answers) =>
      new Map([
        ...(customization?.files ?? []),
        ...scriptFiles({ kind, nonce, commands: customization?.commands, hasDrivers: customization?.hasDrivers }),
        answersOf(setup, { password, firmware }),
      ]),
    description: descriptionOf(setup),
    installMachine: ({ disk, repo, answers }: InstallOptions): MachineTemplate => {
      const cdroms = [
        { id: 'windows', path: medium.path },
        { id: 'repo', path: repo },
      ];
      const answerMedium = { id: 'answers', path: answers };
      return {
        ...windowsMachine(kind, disk, { kind: 'none' }),
        cdroms: isLegacy ? cdroms : [...cdroms, answerMedium],
        floppies: isLegacy ? [answerMedium] : [],
        boot: { kind: 'disk-then-cdrom' },
      };
    },
    progress: isLegacy ? LEGACY_PROGRESS : WINDOWS_PROGRESS,
    reportsHostKey: false,
    usualDiskMiB: HARDWARE[kind].usualDiskMiB,
    secrets: new Map([[PASSWORD_FILE, `${password}\n`]]),
    setupLogs: isLegacy ? LEGACY_SETUP_LOGS : SETUP_LOGS,
    bootFiles: [],
  };
}

function descriptionOf(setup: WindowsSetup): string[] {
  const { medium, isoSha256, edition, locale, timeZone, computerName, productKey, customization } = setup;
  return [
    `medium ${medium.label}, sha256 ${isoSha256}`,
    `edition ${edition.index}: ${edition.name}, ${edition.version}, ${edition.arch}`,
    `answers version ${ANSWERS_VERSION}, ${productKey === undefined ? 'without' : 'with'} a product key`,
    `locale ${locale}, time zone ${timeZone}, computer name ${computerName}`,
    ...(customization === undefined ? [] : [`customization sha256 ${customization.digest}`]),
  ];
}

/** Returns the name and the content of the file with the answers. */
function answersOf(
  { kind, medium, edition, arch, locale, timeZone, computerName, productKey, customization }: WindowsSetup,
  secret: Pick<WindowsAnswers, 'password' | 'firmware'>,
): readonly [string, Uint8Array] {
  const common = { ...secret, arch, edition: edition.index, locale, computerName, productKey };
  const uiLanguage = medium.setupLanguage ?? edition.languages[0] ?? 'en-US';
  if (kind === 'windows-xp' || kind === 'windows-2003') {
    const number = LEGACY_TIME_ZONES[timeZone];
    if (number === undefined) throw new Error(`checkNames accepts no time zone \`${timeZone}\``);
    return ['winnt.sif', Buffer.from(winntSif({ ...common, kind, uiLanguage, timeZone: number }), 'latin1')];
  }
  const answers: AnswerFileAnswers = { ...common, kind, uiLanguage, timeZone };
  return ['autounattend.xml', Buffer.from(answerFile(answers, customization?.settings))];
}

/** Returns 20 letters and digits with all the kinds of characters that the password policy of a server wants. */
function randomPassword(): string {
  return `Cy1-${randomBytes(12).toString('base64url').replaceAll('_', 'x').replaceAll('-', 'y')}`;
}

/** Returns a hash of the choices of the user. Of a product key it only contains whether there is one. */
function keyOf(setup: WindowsSetup): string {
  const { kind, isoSha256, edition, locale, timeZone, computerName, productKey, customization } = setup;
  const parts = [
    ANSWERS_VERSION,
    kind,
    isoSha256,
    edition.index,
    locale,
    timeZone,
    computerName,
    productKey !== undefined,
    customization?.digest ?? null,
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
