import { CygstrapError } from '../../errors.ts';
import { languageNumber } from './legacy-numbers.ts';
import { WINDOWS_USER } from './options.ts';
import type { LegacyKind, WindowsAnswers } from './options.ts';

/** Answers for Windows XP and Server 2003. */
export type WinntAnswers = Omit<WindowsAnswers, 'timeZone'> & {
  readonly kind: LegacyKind;
  /** Number of a time zone of Windows, such as 85 for GMT. */
  readonly timeZone: number;
};

/** What the first logon runs. Setup of these versions has no other commands without a medium of its own. */
const FIRST_LOGON = 'a:\\cygstrap.cmd logon';

type Section = readonly (readonly [key: string, value: string])[];

/** Returns `winnt.sif` for the floppy, in ASCII with CR LF: answers that let Setup run to the first logon. Throws
 *  `usage` for a value that is not printable ASCII. */
export function winntSif(answers: WinntAnswers): string {
  const { kind, computerName, password, productKey, timeZone, locale } = answers;
  const language = languageNumber(locale);
  const sections: Readonly<Record<string, Section>> = {
    Data: [
      ['AutoPartition', '1'],
      ['MsDosInitiated', '"0"'],
      ['UnattendedInstall', '"Yes"'],
      ['AutomaticUpdates', '"No"'],
    ],
    Unattended: [
      ['UnattendMode', 'FullUnattended'],
      ['UnattendSwitch', '"Yes"'],
      ['OemSkipEula', 'Yes'],
      ['OemPreinstall', 'No'],
      ['Repartition', 'Yes'],
      ['FileSystem', 'ConvertNTFS'],
      ['TargetPath', '\\WINDOWS'],
      ['WaitForReboot', '"No"'],
      ['NoWaitAfterTextMode', '1'],
      ['NoWaitAfterGUIMode', '1'],
      ['DriverSigningPolicy', 'Ignore'],
      ['NonDriverSigningPolicy', 'Ignore'],
      ['Hibernation', 'No'],
      ['DUDisable', 'Yes'],
    ],
    GuiUnattended: [
      ['AdminPassword', quoted(password)],
      ['AutoLogon', 'Yes'],
      ['AutoLogonCount', '9'],
      ['OEMSkipRegional', '1'],
      ['OemSkipWelcome', '1'],
      ['TimeZone', String(timeZone)],
    ],
    RegionalSettings: [
      ['InputLocale', quoted(`${language.slice(-4)}:${language}`)],
      ['SystemLocale', quoted(language)],
      ['UserLocale', quoted(language)],
    ],
    UserData: [
      ['FullName', quoted(WINDOWS_USER)],
      ['OrgName', quoted(WINDOWS_USER)],
      ['ComputerName', computerName],
      ...(productKey === undefined ? [] : [['ProductKey', quoted(productKey)] as const]),
    ],
    ...(kind === 'windows-2003' && {
      LicenseFilePrintData: [
        ['AutoMode', 'PerServer'],
        ['AutoUsers', '5'],
      ],
    }),
    Identification: [['JoinWorkgroup', 'WORKGROUP']],
    Networking: [['InstallDefaultComponents', 'Yes']],
    GuiRunOnce: [['Command0', quoted(FIRST_LOGON)]],
  };
  return Object.entries(sections)
    .map(([name, lines]) => `[${name}]\r\n${lines.map(([key, value]) => `${key}=${value}\r\n`).join('')}`)
    .join('\r\n');
}

/** A value in quotation marks; `%` begins a variable there. */
function quoted(value: string): string {
  if (!/^[ !#-~]*$/.test(value))
    throw new CygstrapError('usage', 'a value for Windows XP must be printable ASCII without quotation marks');
  return `"${value.replaceAll('%', '%%')}"`;
}
