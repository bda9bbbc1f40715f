import type { ProgramResult } from './cmd-world.ts';
import type { Registry } from './registry.ts';

/** Programs of Windows that do nothing here. */
const SILENT = new Set(
  `attrib auditpol bcdedit bcdboot copy diskpart dism icacls mode mountvol move net1 ping pnputil powercfg rd
  regedit rmdir sc secedit taskkill timeout tzutil wevtutil wpeutil`.split(/\s+/),
);

const NETWORKS = 'HKLM\\SYSTEM\\CurrentControlSet\\Control\\Network\\{4D36E972-E325-11CE-BFC1-08002BE10318}';
const INTERFACES = 'HKLM\\SYSTEM\\CurrentControlSet\\Services\\Tcpip\\Parameters\\Interfaces';
const CARD = '{0A1B2C3D-0001-4000-8000-525400120101}';
const TUNNEL = '{0A1B2C3D-0002-4000-8000-525400120102}';
const CARD_INDEX = '12';

/** What programs print in a language. */
const LANGUAGES = {
  en: {
    connection: 'Ethernet',
    list: 'Interface List',
    administrators: 'Administrators',
    done: 'The command completed successfully.',
  },
  de: {
    connection: 'LAN-Verbindung',
    list: 'Schnittstellenliste',
    administrators: 'Administratoren',
    done: 'Der Befehl wurde erfolgreich ausgefuehrt.',
  },
} as const;

export type Language = keyof typeof LANGUAGES;

/** The state of Windows that its programs change. */
export interface WindowsState {
  readonly registry: Registry;
  readonly language: Language;
  /** Whether `netsh` can set addresses. */
  readonly hasNetsh: boolean;
  /** Names of users beside the built-in ones. */
  readonly users: Set<string>;
  readonly administrators: Set<string>;
}

/** Puts into the registry what Windows has when its own installation ends: a network card, and one of software. */
export function fillRegistry(registry: Registry, language: Language): void {
  const { connection } = LANGUAGES[language];
  registry.set(`${NETWORKS}\\${TUNNEL}\\Connection`, 'Name', 'REG_SZ', `${connection} 2`);
  registry.set(`${NETWORKS}\\${TUNNEL}\\Connection`, 'PnpInstanceID', 'REG_SZ', 'ROOT\\MS_NDISWANIP\\0000');
  registry.set(`${NETWORKS}\\${CARD}\\Connection`, 'Name', 'REG_SZ', connection);
  registry.set(`${NETWORKS}\\${CARD}\\Connection`, 'PnpInstanceID', 'REG_SZ', 'PCI\\VEN_8086&DEV_10D3&SUBSYS_0\\3&11');
  registry.set(`${INTERFACES}\\${CARD}`, 'EnableDHCP', 'REG_DWORD', '0x1');
}

/** Runs a program of Windows. Returns undefined for one that this Windows does not have. */
export function runProgram(name: string, args: readonly string[], state: WindowsState): ProgramResult | undefined {
  switch (name) {
    case 'reg':
      return state.registry.run(args);
    case 'netsh':
      return netsh(args, state);
    case 'route':
      return route(state);
    case 'net':
      return net(args, state);
    case 'schtasks':
      return schtasks(args, state);
    default:
      return SILENT.has(name) ? { exitCode: 0 } : undefined;
  }
}

/** Where the firewall has its rule, as the line that made it. */
const RULES = 'HKLM\\SYSTEM\\CurrentControlSet\\Services\\SharedAccess\\Parameters\\FirewallPolicy\\FirewallRules';

function netsh(args: readonly string[], { registry, language, hasNetsh }: WindowsState): ProgramResult {
  const [, context, verb] = args;
  if (/firewall add /.test(args.join(' '))) registry.set(RULES, 'rule', 'REG_SZ', args.join(' '));
  if (args[0] !== 'interface' || verb !== 'set') return { exitCode: 0, output: '\r\n' };
  const line = args.join(' ');
  const [, name, address = '', mask = ''] = /name=("[^"]*"|\S+) static (\S+) (\S+)$/.exec(line) ?? [];
  const ours = context === 'ipv4' ? CARD_INDEX : `"${LANGUAGES[language].connection}"`;
  if (!hasNetsh || name !== ours)
    return { exitCode: 1, output: 'The filename, directory name, or volume label...\r\n' };
  registry.set(`${INTERFACES}\\${CARD}`, 'EnableDHCP', 'REG_DWORD', '0x0');
  // As Windows XP shows lists.
  registry.set(`${INTERFACES}\\${CARD}`, 'IPAddress', 'REG_MULTI_SZ', `${address}\\0`);
  registry.set(`${INTERFACES}\\${CARD}`, 'SubnetMask', 'REG_MULTI_SZ', `${mask}\\0`);
  return { exitCode: 0, output: '\r\n' };
}

function route({ language }: WindowsState): ProgramResult {
  const rule = '='.repeat(75);
  const rows = [
    ` ${CARD_INDEX}...52 54 00 12 01 01 ......Intel(R) 82574L Gigabit Network Connection`,
    '  1...........................Software Loopback Interface 1',
  ];
  return { exitCode: 0, output: `${[rule, LANGUAGES[language].list, ...rows, rule].join('\r\n')}\r\n` };
}

function net(args: readonly string[], { language, users, administrators }: WindowsState): ProgramResult {
  const { administrators: group, done } = LANGUAGES[language];
  const [what = '', ...words] = args.map((arg) => arg.replaceAll('"', ''));
  const [name = '', user = ''] = words.filter((word) => !word.startsWith('/'));
  const isAdding = words.some((word) => word.toLowerCase() === '/add');
  if (what === 'user') {
    if (isAdding) users.add(name);
    return { exitCode: users.has(name) ? 0 : 2 };
  }
  if (what !== 'localgroup') return { exitCode: 0 };
  const groups = [group, 'Power Users'];
  if (name === '')
    return { exitCode: 0, output: ['', '---', ...groups.map((each) => `*${each}`), done, ''].join('\r\n') };
  if (!groups.includes(name)) return { exitCode: 2 };
  if (isAdding) administrators.add(user);
  const members = name === group ? ['Administrator', ...administrators] : [];
  return { exitCode: 0, output: ['', '---', ...members, done, ''].join('\r\n') };
}

/** Where the registry has the tasks of the user, by name. */
export const TASKS = 'HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\Schedule\\TaskCache\\Tree';

/** Makes and removes tasks; `started` of one is `yes` after `/run`. */
function schtasks(args: readonly string[], { registry }: WindowsState): ProgramResult {
  const [verb, ...words] = args.map((arg) => arg.replace(/^"(.*)"$/, '$1'));
  const option = (flag: string): string => words[words.indexOf(flag) + 1] ?? '';
  const key = `${TASKS}\\${option('/tn')}`;
  if (verb === '/create') registry.set(key, 'command', 'REG_SZ', option('/tr'));
  if (verb === '/run') registry.set(key, 'started', 'REG_SZ', 'yes');
  if (verb === '/delete') for (const name of ['command', 'started']) registry.run(['delete', key, '/v', name]);
  return { exitCode: 0 };
}

const POLICIES = 'HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\System';

/** Returns what the installed Windows does by its registry, as texts of facts by name; see `windows/rc.sh`. */
export function factsOf(registry: Registry): ReadonlyMap<string, string> {
  const get = (name: string): string | undefined => registry.get(`${INTERFACES}\\${CARD}`, name)?.replace(/\\0$/, '');
  const isFixed = get('EnableDHCP') === '0x0' && get('SubnetMask') === '255.255.255.0';
  const rule = registry.get(RULES, 'rule') ?? '';
  const isOpen = /dir=in action=allow protocol=TCP localport=22 profile=any$|^firewall add portopening TCP 22 /.test(
    rule,
  );
  return new Map([
    ...(isFixed ? [['address', `${get('IPAddress')}/24 52:54:00:12:01:01\n`] as const] : []),
    ...(isOpen ? [['firewall-22', ''] as const] : []),
    ...(registry.get(POLICIES, 'shutdownwithoutlogon') === '0x1' ? [['shutdown-without-logon', ''] as const] : []),
  ]);
}
