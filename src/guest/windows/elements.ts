import type { WindowsKind } from '../../core/windows/kinds.ts';
import { diskConfiguration, systemPartition } from './disk-layout.ts';
import { scriptCall, WINDOWS_USER } from './options.ts';
import type { LegacyKind, WindowsAnswers } from './options.ts';
import type { Elements } from './xml.ts';

/** Versions of Setup: 7 is also 2008 R2, 8 is 8.1 and 2012 R2, S is Server 2016 to 2025. */
export const COLUMNS = ['7', '8', '10', '11', 'S'] as const;
export type Column = (typeof COLUMNS)[number];

/** Returns the version of Setup of a kind. Windows XP and 2003 have another format of answers. */
export function columnOf(kind: Exclude<WindowsKind, LegacyKind>): Column {
  return COLUMN_OF[kind];
}

const COLUMN_OF: Readonly<Record<Exclude<WindowsKind, LegacyKind>, Column>> = {
  'windows-7': '7',
  'windows-2008r2': '7',
  'windows-8.1': '8',
  'windows-2012r2': '8',
  'windows-10': '10',
  'windows-11': '11',
  'windows-2016': 'S',
  'windows-2019': 'S',
  'windows-2022': 'S',
  'windows-2025': 'S',
};

/** Returns whether a kind is a server. */
export function isServer(kind: WindowsKind): boolean {
  return /-20\d\d/.test(kind);
}

type Value = string | Elements | readonly Elements[] | undefined;

/** An element of an answer file. */
export interface ElementRow {
  readonly pass: 'windowsPE' | 'offlineServicing' | 'specialize' | 'oobeSystem';
  /** Without the prefix `Microsoft-Windows-`. */
  readonly component: string;
  /** With slashes, relative to the component. */
  readonly path: string;
  /** How many independent, working sets of answers use it, for each of {@link COLUMNS}. An unknown element fails a
   *  whole pass, so it is used where at least two do. */
  readonly uses: readonly [number, number, number, number, number];
  /** Why it is used also where only one set does. */
  readonly because?: string;
  /** Undefined leaves the element out. */
  readonly value: (answers: WindowsAnswers) => Value;
}

type Row = (
  path: string,
  uses: ElementRow['uses'],
  value: ElementRow['value'] | string,
  because?: string,
) => ElementRow;

function rowsOf(pass: ElementRow['pass'], component: string): Row {
  return (path, uses, value, because) => ({
    pass,
    component,
    path,
    uses,
    value: typeof value === 'string' ? () => value : value,
    ...(because !== undefined && { because }),
  });
}

const peLanguage = rowsOf('windowsPE', 'International-Core-WinPE');
const setup = rowsOf('windowsPE', 'Setup');
const offline = rowsOf('offlineServicing', 'LUA-Settings');
const specialize = rowsOf('specialize', 'Shell-Setup');
const activation = rowsOf('specialize', 'Security-SPP-UX');
const deployment = rowsOf('specialize', 'Deployment');
const serverManager = rowsOf('specialize', 'ServerManager-SvrMgrNc');
const firstTasks = rowsOf('specialize', 'OutOfBoxExperience');
const language = rowsOf('oobeSystem', 'International-Core');
const shell = rowsOf('oobeSystem', 'Shell-Setup');

const ON_SERVERS = (answers: WindowsAnswers): Value => (isServer(answers.kind) ? 'true' : undefined);
const LOCALES = ['InputLocale', 'SystemLocale', 'UserLocale'] as const;

/** Every element that an answer file can have, in its order. */
export const ELEMENTS: readonly ElementRow[] = [
  peLanguage('SetupUILanguage/UILanguage', [2, 2, 2, 5, 5], ({ uiLanguage }) => uiLanguage),
  ...LOCALES.map((name) => peLanguage(name, [2, 2, 2, 6, 6], ({ locale }) => locale)),
  peLanguage('UILanguage', [2, 2, 2, 6, 6], ({ uiLanguage }) => uiLanguage),
  setup('DiskConfiguration/Disk', [2, 2, 3, 7, 6], diskConfiguration),
  setup('DiskConfiguration/WillShowUI', [2, 1, 1, 1, 1], 'OnError'),
  setup('ImageInstall/OSImage/InstallFrom/MetaData', [2, 2, 2, 3, 6], ({ edition }) => [
    { Key: '/IMAGE/INDEX', Value: String(edition) },
  ]),
  setup('ImageInstall/OSImage/InstallTo', [2, 2, 3, 7, 6], ({ firmware }) => ({
    DiskID: '0',
    PartitionID: String(systemPartition(firmware)),
  })),
  setup('ImageInstall/OSImage/InstallToAvailablePartition', [2, 2, 3, 3, 1], 'false'),
  setup('ImageInstall/OSImage/WillShowUI', [1, 2, 1, 1, 2], 'OnError'),
  setup('UserData/AcceptEula', [2, 2, 3, 7, 6], 'true'),
  setup('UserData/FullName', [2, 2, 3, 5, 6], WINDOWS_USER),
  setup('UserData/Organization', [2, 2, 3, 5, 6], WINDOWS_USER),
  setup(
    'UserData/ProductKey/Key',
    [1, 1, 2, 4, 2],
    ({ productKey }) => productKey,
    'the user gave a product key, which a volume medium needs',
  ),
  setup('UserData/ProductKey/WillShowUI', [2, 2, 2, 4, 5], 'OnError'),
  setup('DynamicUpdate/Enable', [1, 1, 2, 2, 2], 'false'),
  setup('RunSynchronous/RunSynchronousCommand', [0, 0, 1, 7, 1], ({ kind }) =>
    kind === 'windows-11' ? [{ Order: '1', Path: scriptCall('windowspe') }] : undefined,
  ),
  offline('EnableLUA', [2, 2, 3, 5, 4], 'false'),
  specialize('ComputerName', [2, 2, 3, 4, 4], ({ computerName }) => computerName),
  specialize(
    'TimeZone',
    [1, 1, 1, 2, 2],
    ({ timeZone }) => timeZone,
    'without it Windows takes the time zone of its language',
  ),
  activation('SkipAutoActivation', [2, 2, 3, 4, 4], 'true'),
  deployment(
    'RunSynchronous/RunSynchronousCommand',
    [0, 2, 1, 2, 3],
    () => [{ Order: '1', Path: scriptCall('specialize') }],
    'versions before and after have it, and the user can have commands for this phase',
  ),
  serverManager('DoNotOpenServerManagerAtLogon', [2, 2, 0, 0, 4], ON_SERVERS),
  firstTasks('DoNotOpenInitialConfigurationTasksAtLogon', [2, 2, 0, 0, 3], ON_SERVERS),
  ...LOCALES.map((name) =>
    language(name, [0, 0, 1, 5, 3], ({ locale }) => locale, 'without it the first start can ask for the region'),
  ),
  language('UILanguage', [0, 0, 1, 5, 3], ({ uiLanguage }) => uiLanguage, 'as above'),
  shell('UserAccounts/AdministratorPassword', [2, 2, 2, 4, 5], ({ password }) => ({
    Value: password,
    PlainText: 'true',
  })),
  shell('UserAccounts/LocalAccounts/LocalAccount', [2, 2, 3, 7, 5], ({ password }) => [
    { Name: WINDOWS_USER, Group: 'Administrators', Password: { Value: password, PlainText: 'true' } },
  ]),
  shell('AutoLogon', [2, 2, 3, 6, 6], ({ password }) => ({
    Username: WINDOWS_USER,
    Enabled: 'true',
    Password: { Value: password, PlainText: 'true' },
  })),
  shell('AutoLogon/LogonCount', [1, 1, 1, 2, 3], '9'),
  shell('OOBE/HideEULAPage', [2, 2, 3, 7, 6], 'true'),
  shell('OOBE/HideWirelessSetupInOOBE', [2, 2, 3, 7, 6], 'true'),
  shell('OOBE/ProtectYourPC', [2, 2, 3, 7, 6], '3'),
  shell('OOBE/NetworkLocation', [2, 2, 3, 4, 4], 'Work'),
  shell('OOBE/HideLocalAccountScreen', [0, 2, 2, 5, 6], 'true'),
  shell('OOBE/HideOEMRegistrationScreen', [0, 2, 2, 6, 6], 'true'),
  shell('OOBE/HideOnlineAccountScreens', [0, 2, 2, 6, 6], 'true'),
  shell('FirstLogonCommands/SynchronousCommand', [2, 2, 3, 7, 6], () => [
    { Order: '1', CommandLine: scriptCall('logon'), Description: 'cygstrap' },
  ]),
];
