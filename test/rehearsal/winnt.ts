import { question, SetupStops } from './answers/stops.ts';
import type { DiskPlan } from './answers/disk.ts';

/** A medium of Windows XP or Server 2003. */
export interface WinntMedium {
  readonly kind: 'windows-xp' | 'windows-2003';
  readonly productKey: 'required' | 'optional';
}

/** What Setup of Windows XP and 2003 does. */
export interface WinntPlan {
  readonly disk: DiskPlan;
  readonly computerName: string;
  readonly user: 'Administrator';
  /** Run at the first logon. */
  readonly commands: readonly string[];
}

/** Sections and keys that Setup knows; `*` is a name of the author's, `#` a number.
 *  Source: published answer files that work. */
const KNOWN: Readonly<Record<string, string>> = {
  Data: 'AutoPartition MsDosInitiated UnattendedInstall AutomaticUpdates',
  Unattended: `UnattendMode UnattendSwitch OemSkipEula OemPreinstall Repartition FileSystem TargetPath WaitForReboot
    NoWaitAfterTextMode NoWaitAfterGUIMode DriverSigningPolicy NonDriverSigningPolicy Hibernation DUDisable`,
  GuiUnattended:
    'AdminPassword EncryptedAdminPassword AutoLogon AutoLogonCount OEMSkipRegional OemSkipWelcome TimeZone',
  RegionalSettings: 'Language InputLocale SystemLocale UserLocale LanguageGroup',
  UserData: 'FullName OrgName ComputerName ProductKey',
  LicenseFilePrintData: 'AutoMode AutoUsers',
  Identification: 'JoinWorkgroup',
  Networking: 'InstallDefaultComponents',
  NetAdapters: '*',
  SetupParams: 'UserExecute',
  WindowsFirewall: '*',
  GuiRunOnce: 'Command#',
};

type Sections = ReadonlyMap<string, ReadonlyMap<string, string>>;

function invalid(what: string): SetupStops {
  return new SetupStops('error', `The answer file winnt.sif is invalid: ${what}`);
}

/** Reads `winnt.sif` and returns what Setup does with a disk of `diskMB` MB. Throws {@link SetupStops} for a file that
 *  is not ANSI with CR LF, for a key that Setup does not know, and where it asks. */
export function planWinnt(bytes: Uint8Array, medium: WinntMedium, diskMB: number): WinntPlan {
  const sections = parse(bytes);
  const get = (section: string, key: string): string => sections.get(section)?.get(key.toLowerCase()) ?? '';
  const isYes = (section: string, key: string): boolean => /^(yes|1)$/i.test(get(section, key));
  // Started from a CD, Setup reads the file only with these two.
  const isUnattended = get('data', 'MsDosInitiated') === '0' && isYes('data', 'UnattendedInstall');
  if (!isUnattended) throw question('Welcome to Setup. To set up Windows now, press ENTER');
  if (!isYes('unattended', 'OemSkipEula')) throw question('Windows Licensing Agreement. F8 = I agree');
  const isWhole = isYes('data', 'AutoPartition') && isYes('unattended', 'Repartition');
  if (!isWhole) throw question('The following list shows the existing partitions');
  if (get('unattended', 'FileSystem') !== 'ConvertNTFS')
    throw question('Format the partition using the NTFS file system');
  if (!/^\\\w{1,8}$/.test(get('unattended', 'TargetPath'))) throw question('Windows is installed in the directory');
  checkGui(get, isYes);
  checkUser(get, medium);
  return {
    disk: wholeDisk(diskMB),
    computerName: get('userdata', 'ComputerName'),
    user: 'Administrator',
    commands: commandsOf(sections),
  };
}

function checkGui(
  get: (section: string, key: string) => string,
  isYes: (section: string, key: string) => boolean,
): void {
  if (get('unattended', 'UnattendMode') !== 'FullUnattended') throw question('Click Next to continue');
  const language = get('regionalsettings', 'Language');
  const hasLocale = /^[\dA-F]{8}$/i.test(language) || get('regionalsettings', 'UserLocale') !== '';
  if (!isYes('guiunattended', 'OEMSkipRegional') || !hasLocale) throw question('Regional and Language Options');
  if (get('guiunattended', 'AdminPassword') === '') throw question('Computer Name and Administrator Password');
  if (!/^\d{1,3}$/.test(get('guiunattended', 'TimeZone'))) throw question('Date and Time Settings');
  if (!isYes('networking', 'InstallDefaultComponents')) throw question('Networking Settings');
  if (get('identification', 'JoinWorkgroup') === '') throw question('Workgroup or Computer Domain');
  if (!isYes('guiunattended', 'OemSkipWelcome')) throw question('Welcome to Microsoft Windows');
  const hasLogon = isYes('guiunattended', 'AutoLogon') && Number(get('guiunattended', 'AutoLogonCount')) > 0;
  if (!hasLogon) throw question('Press Ctrl-Alt-Delete to begin');
}

function checkUser(get: (section: string, key: string) => string, { kind, productKey }: WinntMedium): void {
  if (get('userdata', 'FullName') === '') throw question('Personalize Your Software');
  const name = get('userdata', 'ComputerName');
  if (!/^(\*|[\w-]{1,15})$/.test(name)) throw question('Computer Name and Administrator Password');
  const key = get('userdata', 'ProductKey');
  const isKey = key === '' ? productKey !== 'required' : /^([A-Z\d]{5}-){4}[A-Z\d]{5}$/.test(key);
  if (!isKey) throw question('Your Product Key');
  const hasLicenses =
    get('licensefileprintdata', 'AutoMode') === 'PerServer' && Number(get('licensefileprintdata', 'AutoUsers')) >= 5;
  if (kind === 'windows-2003' && !hasLicenses) throw question('Licensing Modes');
}

/** Setup makes one active partition of the disk. */
function wholeDisk(diskMB: number): DiskPlan {
  const sizeMB = diskMB - 2;
  const partition = { number: 1, type: 'Primary', sizeMB, format: 'NTFS', letter: 'C', isActive: true } as const;
  return { table: 'mbr', partitions: [{ ...partition, label: undefined, typeId: undefined }], windowsPartition: 1 };
}

function commandsOf(sections: Sections): string[] {
  const lines = sections.get('guirunonce') ?? new Map<string, string>();
  return [...lines.entries()].toSorted(([a], [b]) => Number(a.slice(7)) - Number(b.slice(7))).map(([, line]) => line);
}

function parse(bytes: Uint8Array): Sections {
  const text = new TextDecoder('latin1').decode(bytes);
  if (/[^\t\r\n -~\u00a0-\u00ff]/.test(text)) throw invalid('not ANSI');
  if (!text.endsWith('\r\n') || /[^\r]\n|\r[^\n]/.test(text)) throw invalid('a line does not end with CR LF');
  const sections = new Map<string, Map<string, string>>();
  let name = '';
  for (const [i, line] of text.split('\r\n').entries()) {
    if (line === '' || line.startsWith(';')) continue;
    const header = /^\[(\w+)\]$/.exec(line)?.[1];
    if (header === undefined) addLine(sections.get(name.toLowerCase()), name, line, i + 1);
    else {
      if (sections.has(header.toLowerCase())) throw invalid(`line ${i + 1}: [${header}] again`);
      name = header;
      sections.set(name.toLowerCase(), new Map());
    }
  }
  return sections;
}

function addLine(section: Map<string, string> | undefined, name: string, line: string, number: number): void {
  const fault = (what: string): SetupStops => invalid(`line ${number}: ${what}`);
  const [, key = '', value = ''] = /^([\w.]+)\s*=\s*(.*)$/.exec(line) ?? [];
  if (section === undefined || key === '') throw fault('no key');
  if (!isKnown(name, key)) throw fault(`[${name}] has no ${key}`);
  if (section.has(key.toLowerCase())) throw fault(`${key} again`);
  const plain = /^"([^"]*)"$|^([^" ;,]*)$/.exec(value);
  if (plain === null) throw fault(`the value of ${key} needs quotation marks`);
  const text = plain[1] ?? plain[2] ?? '';
  // One percent sign begins a variable.
  if (/(^|[^%])(%%)*%(?!%)/.test(text)) throw fault(`a single percent sign in ${key}`);
  section.set(key.toLowerCase(), text.replaceAll('%%', '%'));
}

function isKnown(section: string, key: string): boolean {
  const found = Object.entries(KNOWN).find(([name]) => name.toLowerCase() === section.toLowerCase());
  const names = found?.[1].split(/\s+/) ?? [];
  const shape = key.toLowerCase().replace(/\d+$/, '#');
  return names.some((name) => name === '*' || [key.toLowerCase(), shape].includes(name.toLowerCase()));
}
