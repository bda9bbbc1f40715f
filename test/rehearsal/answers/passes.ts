import { planDisk } from './disk.ts';
import type { DiskPlan } from './disk.ts';
import { columnOf, isServerKind, schemaOf } from './schema.ts';
import type { XmlKind } from './schema.ts';
import { badValue, question, refusal, SetupStops } from './stops.ts';
import { readPass } from './tree.ts';
import type { AnswerFile, Settings } from './tree.ts';

/** An image of the WIM on the medium. */
export interface Image {
  readonly index: number;
  readonly name: string;
  readonly editionId: string;
}

/** The medium that Setup was started from. */
export interface SetupMedium {
  readonly kind: XmlKind;
  readonly arch: 'amd64' | 'x86';
  readonly setupLanguage: string;
  readonly images: readonly Image[];
  /** Evaluation media accept no product key, volume media require one, consumer media accept an index instead. */
  readonly productKey: 'none' | 'required' | 'optional';
}

/** What Setup sees of the computer. */
export interface Computer {
  readonly firmware: 'bios' | 'uefi';
  readonly diskMB: number;
}

/** What the pass windowsPE does. */
export interface WindowsPePlan {
  /** Command lines, in order, before anything else. */
  readonly commands: readonly string[];
  readonly disk: DiskPlan;
  readonly image: Image;
}

export interface SpecializePlan {
  readonly computerName: string;
  readonly commands: readonly string[];
}

export interface OobePlan {
  readonly user: string;
  readonly password: string;
  /** Run at the first logon. */
  readonly commands: readonly string[];
}

const SETUP = 'Microsoft-Windows-Setup';
const SHELL = 'Microsoft-Windows-Shell-Setup';

/** Returns what the pass windowsPE does. Throws {@link SetupStops} where Setup shows an error or asks. */
export function planWindowsPe(file: AnswerFile, medium: SetupMedium, computer: Computer): WindowsPePlan {
  const pass = readPass(file, 'windowsPE', schemaOf(medium.kind), medium.arch);
  const language = pass.get('International-Core-WinPE');
  const setup = pass.get('Setup');
  const languages = [language?.text('SetupUILanguage/UILanguage'), language?.text('UILanguage')];
  if (languages.some((each) => each !== medium.setupLanguage)) throw question('Language to install');
  for (const name of ['InputLocale', 'SystemLocale', 'UserLocale'])
    if (language?.text(name) === undefined) throw question('Time and currency format, keyboard or input method');
  if (setup === undefined) throw question('Install now');
  const commands = commandsOf(setup, 'windowsPE', SETUP);
  const image = imageOf(setup, medium);
  checkProductKey(setup, medium);
  if (setup.text('UserData/AcceptEula') !== 'true') throw question('Please read the license terms');
  const isAny = setup.text('ImageInstall/OSImage/InstallToAvailablePartition') === 'true';
  const hasTarget = setup.text('ImageInstall/OSImage/InstallTo/PartitionID') !== undefined || isAny;
  if (setup.items('DiskConfiguration').length === 0 || !hasTarget)
    throw question('Where do you want to install Windows?');
  return { commands, disk: planDisk(setup, computer.firmware, computer.diskMB), image };
}

/** Returns the command lines of `RunSynchronous`, in order. */
function commandsOf(component: Settings, pass: string, name: string): string[] {
  const items = component.items('RunSynchronous/RunSynchronousCommand');
  return inOrder(items, pass, name).map((item) => {
    const path = item.text('Path') ?? '';
    if (path === '' || path.length > 256) throw badValue(pass, name, `Path of ${path.length} characters`);
    return path;
  });
}

function inOrder(items: readonly Settings[], pass: string, name: string): readonly Settings[] {
  const orders = items.map((item) => Number(item.text('Order')));
  if (orders.some((order) => !Number.isInteger(order)) || new Set(orders).size < orders.length)
    throw badValue(pass, name, 'Order of the commands');
  return items.toSorted((a, b) => Number(a.text('Order')) - Number(b.text('Order')));
}

function imageOf(setup: Settings, { images }: SetupMedium): Image {
  const [from, ...more] = setup.items('ImageInstall/OSImage/InstallFrom/MetaData');
  if (from === undefined) {
    const [only, ...others] = images;
    if (only === undefined || others.length > 0) throw question('Select the operating system you want to install');
    return only;
  }
  if (more.length > 0) throw badValue('windowsPE', SETUP, 'MetaData: more than one condition');
  const key = from.text('Key') ?? '';
  const value = from.text('Value') ?? '';
  const fields: Readonly<Record<string, (image: Image) => string>> = {
    '/IMAGE/INDEX': ({ index }) => String(index),
    '/IMAGE/NAME': ({ name }) => name,
    '/IMAGE/EDITIONID': ({ editionId }) => editionId,
  };
  const field = fields[key.toUpperCase()];
  const image = images.find((each) => field?.(each) === value);
  if (image === undefined) throw new SetupStops('error', `No images are available: ${key} is ${value}`);
  return image;
}

function checkProductKey(setup: Settings, { productKey, kind }: SetupMedium): void {
  const key = setup.text('UserData/ProductKey/Key');
  const invalid = 'Setup has failed to validate the product key';
  // The new Setup of 24H2 does not take an empty element for an absent one.
  const isNewSetup = kind === 'windows-11' || kind === 'windows-2025';
  if (key === '' && isNewSetup) throw new SetupStops('error', invalid);
  if (key === undefined || key === '') {
    const missing = 'cannot read the <ProductKey> setting from the unattend answer file';
    if (productKey === 'required') throw new SetupStops('error', missing);
    return;
  }
  if (!/^([A-Z\d]{5}-){4}[A-Z\d]{5}$/.test(key)) throw new SetupStops('error', invalid);
  const other = 'The product key does not match any of the Windows images available for installation';
  if (productKey === 'none') throw new SetupStops('error', other);
}

/** Checks the pass offlineServicing. Throws {@link SetupStops}. */
export function checkOfflineServicing(file: AnswerFile, { kind, arch }: SetupMedium): void {
  readPass(file, 'offlineServicing', schemaOf(kind), arch);
}

/** Returns what the pass specialize does. Throws {@link SetupStops}. */
export function planSpecialize(file: AnswerFile, { kind, arch }: SetupMedium): SpecializePlan {
  const pass = readPass(file, 'specialize', schemaOf(kind), arch);
  const shell = pass.get('Shell-Setup');
  const computerName = shell?.text('ComputerName') ?? '*';
  const isName = computerName === '*' || (/^[a-z\d-]{1,15}$/i.test(computerName) && !/^\d+$/.test(computerName));
  if (!isName) throw badValue('specialize', SHELL, `ComputerName ${computerName}`);
  const users = readPass(file, 'oobeSystem', schemaOf(kind), arch).get('Shell-Setup');
  for (const account of users?.items('UserAccounts/LocalAccounts/LocalAccount') ?? [])
    if (account.text('Name')?.toLowerCase() === computerName.toLowerCase())
      throw badValue('specialize', SHELL, `ComputerName ${computerName} is the name of a user`);
  checkTimeZone(shell, 'specialize');
  const deployment = pass.get('Deployment');
  const commands = deployment === undefined ? [] : commandsOf(deployment, 'specialize', 'Microsoft-Windows-Deployment');
  return { computerName, commands };
}

function checkTimeZone(shell: Settings | undefined, pass: string): void {
  const zone = shell?.text('TimeZone');
  // Names of Windows, not those of IANA such as `Europe/Berlin`.
  const isZone = zone === undefined || /^(UTC([+-]\d\d)?|[^/]+ Standard Time)$/.test(zone);
  if (!isZone) throw badValue(pass, SHELL, `TimeZone ${zone}`);
}

/** Returns what the pass oobeSystem does. Throws {@link SetupStops}. */
export function planOobe(file: AnswerFile, { kind, arch }: SetupMedium): OobePlan {
  const pass = readPass(file, 'oobeSystem', schemaOf(kind), arch);
  const shell = pass.get('Shell-Setup');
  if (shell === undefined) throw question('Get started: choose your region');
  checkTimeZone(shell, 'oobeSystem');
  const passwords = accounts(shell, isServerKind(kind));
  checkScreens(shell, pass.get('International-Core'), kind);
  const user = autoLogon(shell, passwords);
  return { user, password: passwords.get(user.toLowerCase()) ?? '', commands: firstLogon(shell) };
}

/** Returns the accounts by name in lower case, with their passwords. */
function accounts(shell: Settings, isServer: boolean): ReadonlyMap<string, string> {
  const all = new Map<string, string>();
  const [administrator] = shell.items('UserAccounts/AdministratorPassword');
  if (administrator !== undefined) all.set('administrator', password(administrator, 'AdministratorPassword'));
  else if (isServer) throw question('Customize settings: type a password for the administrator');
  for (const account of shell.items('UserAccounts/LocalAccounts/LocalAccount')) {
    const name = account.text('Name') ?? '';
    const [secret] = account.items('Password');
    const isName = /^[^"/\\[\]:;|=,+*?<>@]{1,20}$/.test(name) && !all.has(name.toLowerCase());
    if (!isName) throw badValue('oobeSystem', SHELL, `LocalAccount ${name}`);
    if (!/^(Administrators|Users)(;(Administrators|Users))*$/.test(account.text('Group') ?? 'Users'))
      throw badValue('oobeSystem', SHELL, `LocalAccount: group ${account.text('Group')}`);
    all.set(name.toLowerCase(), secret === undefined ? '' : password(secret, 'Password'));
  }
  if (!isServer && all.size === (administrator === undefined ? 0 : 1)) throw question('Who will use this computer?');
  if (isServer) for (const [name, secret] of all) checkPolicy(name, secret);
  return all;
}

/** Returns a password. One that is not plain text has the name of its element at its end. */
function password(element: Settings, name: string): string {
  const value = element.text('Value') ?? '';
  if (element.text('PlainText') === 'true') return value;
  const text = Buffer.from(value, 'base64').toString('utf16le');
  if (!text.endsWith(name)) throw refusal('oobeSystem', `The password of [${SHELL}] ${name} cannot be read`);
  return text.slice(0, -name.length);
}

/** Servers refuse simple passwords. */
function checkPolicy(name: string, secret: string): void {
  const classes = [/[a-z]/, /[A-Z]/, /\d/, /[^a-zA-Z\d]/].filter((each) => each.test(secret)).length;
  const isStrong = secret.length >= 7 && classes >= 3 && !secret.toLowerCase().includes(name);
  if (!isStrong) throw badValue('oobeSystem', SHELL, `the password of ${name} does not meet the policy`);
}

/** Pages of the first start that nothing answers. */
function checkScreens(shell: Settings, language: Settings | undefined, kind: XmlKind): void {
  const column = columnOf(kind);
  const locales = ['InputLocale', 'SystemLocale', 'UILanguage', 'UserLocale'];
  const hasLocales = locales.every((name) => language?.text(name) !== undefined);
  if (['10', '11', 'S'].includes(column) && !hasLocales) throw question('Is this the right country or region?');
  if (shell.text('OOBE/HideEULAPage') !== 'true') throw question('Please read the license terms');
  if (isServerKind(kind)) return;
  if (shell.text('OOBE/ProtectYourPC') === undefined) throw question('Help protect your computer');
  if (column === '7' && shell.text('OOBE/NetworkLocation') === undefined)
    throw question("Select your computer's current location");
}

/** Returns the user who is logged on. */
function autoLogon(shell: Settings, passwords: ReadonlyMap<string, string>): string {
  const user = shell.text('AutoLogon/Username') ?? '';
  const [secret] = shell.items('AutoLogon/Password');
  const isOn = shell.text('AutoLogon/Enabled') === 'true' && shell.text('AutoLogon/LogonCount') !== '0';
  const known = passwords.get(user.toLowerCase());
  const given = secret === undefined ? '' : password(secret, 'Password');
  if (!isOn || known === undefined || known !== given) throw question('Press Ctrl+Alt+Delete to sign in');
  return user;
}

function firstLogon(shell: Settings): string[] {
  const items = shell.items('FirstLogonCommands/SynchronousCommand');
  return inOrder(items, 'oobeSystem', SHELL).map((item) => {
    const line = item.text('CommandLine') ?? '';
    if (line === '' || line.length > 1024)
      throw badValue('oobeSystem', SHELL, `CommandLine of ${line.length} characters`);
    return line;
  });
}
