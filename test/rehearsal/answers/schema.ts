import type { WindowsKind } from '../../../src/core/windows/kinds.ts';

/** Versions whose answers are an XML file. */
export type XmlKind = Exclude<WindowsKind, 'windows-xp' | 'windows-2003'>;

/** Column of a kind in the table: 7 is also 2008 R2, 8 is 8.1 and 2012 R2, S is Server 2016 to 2025. */
export function columnOf(kind: XmlKind): string {
  const columns: Readonly<Record<XmlKind, string>> = {
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
  return columns[kind];
}

/** Returns whether a kind is a server. */
export function isServerKind(kind: XmlKind): boolean {
  return columnOf(kind) === 'S' || kind === 'windows-2008r2' || kind === 'windows-2012r2';
}

/** What answer files can set. An unindented line is a pass and a component without `Microsoft-Windows-`. An indented
 *  line is a path (`[]` marks a list), the versions that have it, and the type of its value. `servers` limits a row to
 *  servers. Braces list names that share the rest of the row.
 *  Source: the elements of published answer files that work, counted by version; an element that none of them uses in a
 *  version does not exist there. */
const TABLE = `
windowsPE International-Core-WinPE
  SetupUILanguage/UILanguage all locale
  {UILanguage,SystemLocale,UserLocale,UILanguageFallback} all locale
  InputLocale all keyboard
windowsPE PnpCustomizationsWinPE
  DriverPaths/PathAndCredentials[]/Path 7,10,11,S text
windowsPE Setup
  DiskConfiguration/WillShowUI all OnError|Always|Never
  DiskConfiguration/Disk[]/DiskID all integer
  DiskConfiguration/Disk[]/WillWipeDisk all boolean
  DiskConfiguration/Disk[]/CreatePartitions/CreatePartition[]/{Order,Size} all integer
  DiskConfiguration/Disk[]/CreatePartitions/CreatePartition[]/Type all Primary|EFI|MSR|Extended|Logical
  DiskConfiguration/Disk[]/CreatePartitions/CreatePartition[]/Extend all boolean
  DiskConfiguration/Disk[]/ModifyPartitions/ModifyPartition[]/{Order,PartitionID} all integer
  DiskConfiguration/Disk[]/ModifyPartitions/ModifyPartition[]/Format all NTFS|FAT32
  DiskConfiguration/Disk[]/ModifyPartitions/ModifyPartition[]/{Label,Letter,TypeID} all text
  DiskConfiguration/Disk[]/ModifyPartitions/ModifyPartition[]/{Active,Extend} all boolean
  ImageInstall/OSImage/InstallFrom/MetaData[]/{Key,Value} all text
  ImageInstall/OSImage/InstallTo/{DiskID,PartitionID} all integer
  ImageInstall/OSImage/InstallToAvailablePartition all boolean
  ImageInstall/OSImage/WillShowUI all OnError|Always|Never
  UserData/AcceptEula all boolean
  UserData/{FullName,Organization} all text
  UserData/ProductKey/Key all text
  UserData/ProductKey/WillShowUI all OnError|Always|Never
  DynamicUpdate/Enable all boolean
  UpgradeData/Upgrade all boolean
  UpgradeData/WillShowUI all OnError|Always|Never
  Diagnostics/OptIn all boolean
  RunSynchronous/RunSynchronousCommand[]/Order 10,11,S integer
  RunSynchronous/RunSynchronousCommand[]/{Path,Description} 10,11,S text
offlineServicing LUA-Settings
  EnableLUA all boolean
specialize Shell-Setup
  {ComputerName,TimeZone} all text
specialize Security-SPP-UX
  SkipAutoActivation all boolean
specialize SQMApi
  CEIPEnabled all integer
specialize SystemRestore-Main
  DisableSR all integer
specialize Deployment
  RunSynchronous/RunSynchronousCommand[]/Order 8,10,11,S integer
  RunSynchronous/RunSynchronousCommand[]/{Path,Description} 8,10,11,S text
  RunSynchronous/RunSynchronousCommand[]/WillReboot 8,10,11,S Never|Always|OnRequest
specialize Networking-MPSSVC-Svc
  FirewallGroups/FirewallGroup[]/Active all boolean
  FirewallGroups/FirewallGroup[]/Group all text
  FirewallGroups/FirewallGroup[]/Profile all all|public|private|domain
specialize ServerManager-SvrMgrNc
  DoNotOpenServerManagerAtLogon servers boolean
specialize OutOfBoxExperience
  DoNotOpenInitialConfigurationTasksAtLogon servers boolean
specialize IE-ESC
  {IEHardenAdmin,IEHardenUser} servers boolean
specialize International-Core
  {UILanguage,SystemLocale,UserLocale} all locale
  InputLocale all keyboard
oobeSystem International-Core
  {UILanguage,SystemLocale,UserLocale} 10,11,S locale
  InputLocale 10,11,S keyboard
oobeSystem SecureStartup-FilterDriver
  PreventDeviceEncryption 8,10,11,S boolean
oobeSystem Shell-Setup
  TimeZone all text
  UserAccounts/AdministratorPassword/Value all text
  UserAccounts/AdministratorPassword/PlainText all boolean
  UserAccounts/LocalAccounts/LocalAccount[]/{Name,Group,DisplayName,Description} all text
  UserAccounts/LocalAccounts/LocalAccount[]/Password/Value all text
  UserAccounts/LocalAccounts/LocalAccount[]/Password/PlainText all boolean
  AutoLogon/Username all text
  AutoLogon/Enabled all boolean
  AutoLogon/LogonCount all integer
  AutoLogon/Password/Value all text
  AutoLogon/Password/PlainText all boolean
  OOBE/{HideEULAPage,HideWirelessSetupInOOBE,SkipMachineOOBE,SkipUserOOBE} all boolean
  OOBE/ProtectYourPC all 1|2|3
  OOBE/NetworkLocation all Home|Work|Other
  OOBE/{HideLocalAccountScreen,HideOEMRegistrationScreen,HideOnlineAccountScreens} 8,10,11,S boolean
  OOBE/VMModeOptimizations/SkipAdministratorProfileRemoval 10,11,S boolean
  OOBE/VMModeOptimizations/{SkipNotifyUILanguageChange,SkipWinREInitialization} 10,11,S boolean
  FirstLogonCommands/SynchronousCommand[]/Order all integer
  FirstLogonCommands/SynchronousCommand[]/{CommandLine,Description} all text
  FirstLogonCommands/SynchronousCommand[]/RequiresUserInput all boolean
`;

/** What one version of Windows has. */
export interface Schema {
  /** Whether the version has a component in a pass. */
  readonly hasComponent: (pass: string, component: string) => boolean;
  /** The type of a value, `group` for an element with elements in it, `list` for a repeated one; undefined for an
   *  element that the version does not have. The path uses `[]` after each list. */
  readonly typeAt: (pass: string, component: string, path: string) => string | undefined;
}

/** Returns what a kind of Windows has. */
export function schemaOf(kind: XmlKind): Schema {
  const types = new Map<string, string>();
  let component = '';
  for (const line of TABLE.trim().split('\n')) {
    if (!line.startsWith(' ')) {
      component = line;
      continue;
    }
    const [path = '', versions = '', type = ''] = line.trim().split(' ');
    if (!hasVersion(kind, versions)) continue;
    types.set(component, 'group');
    for (const each of expand(path)) add(types, component, each, type);
  }
  return {
    hasComponent: (pass, name) => types.has(`${pass} ${name}`),
    typeAt: (pass, name, path) => types.get(`${pass} ${name} ${path}`),
  };
}

function hasVersion(kind: XmlKind, versions: string): boolean {
  if (versions === 'all') return true;
  if (versions === 'servers') return isServerKind(kind);
  return versions.split(',').includes(columnOf(kind));
}

/** `A/{B,C}` is `A/B` and `A/C`. */
function expand(path: string): string[] {
  const [, before = '', names = '', after = ''] = /^(.*)\{(.*)\}(.*)$/.exec(path) ?? [];
  return names === '' ? [path] : names.split(',').map((name) => `${before}${name}${after}`);
}

function add(types: Map<string, string>, component: string, path: string, type: string): void {
  const names = path.split('/');
  for (const [at, name] of names.entries()) {
    const above = names.slice(0, at).map((each) => `${each}/`);
    const key = `${component} ${above.join('')}${name.replace('[]', '')}`;
    if (at === names.length - 1) types.set(key, type);
    else types.set(key, name.endsWith('[]') ? 'list' : 'group');
  }
}

/** Returns whether a text is a value of a type of the table. */
export function isOfType(type: string, text: string): boolean {
  switch (type) {
    case 'text':
      return true;
    case 'boolean':
      return /^(true|false)$/.test(text);
    case 'integer':
      return /^\d{1,9}$/.test(text);
    case 'locale':
      return /^[a-z]{2,3}(-[A-Z][a-z]{3})?-([A-Z]{2}|\d{3})$/.test(text);
    case 'keyboard':
      return text.split(';').every((one) => /^[\da-f]{4}:[\da-f]{8}$/i.test(one) || isOfType('locale', one));
    default:
      return type.split('|').includes(text);
  }
}
