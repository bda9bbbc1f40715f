import type { Drive } from '../answers.ts';
import { runCommandLine, UnknownConstruct } from './cmd.ts';
import type { World } from './world.ts';

/** Programs of Windows that scripts can call. They do nothing here. */
const PROGRAMS = new Set(
  `attrib auditpol bcdedit bcdboot copy del diskpart dism icacls md mkdir mode mountvol move net net1 netsh ping
  pnputil powercfg rd reg regedit rmdir sc schtasks secedit shutdown timeout tzutil wevtutil wpeutil`.split(/\s+/),
);

/** What the commands of a phase have done. */
export interface Done {
  /** Files on C by path, without the drive, with slashes. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Whether one has powered the computer off. */
  readonly isPoweredOff: boolean;
  /** Values that were set under `HKLM\SYSTEM\Setup\LabConfig`. */
  readonly labConfig: ReadonlySet<string>;
}

/** Runs command lines one after the other, until one powers the computer off. */
export function runCommands(lines: readonly string[], world: World): Done {
  const written = new Map<string, string>();
  const labConfig = new Set<string>();
  let isPoweredOff = false;
  const run = (name: string, args: string): number | undefined => {
    if (!PROGRAMS.has(name)) return undefined;
    world.screen(`  ${name} ${args}`);
    if (name === 'shutdown') isPoweredOff = /(^|\s)[/-][sp]\b/i.test(args);
    const value = /^add\s+"?HKLM\\SYSTEM\\Setup\\LabConfig"?\s.*\/v\s+"?(\w+)"?\s.*\/d\s+1\b/i.exec(args)?.[1];
    if (name === 'reg' && value !== undefined) labConfig.add(value.toLowerCase());
    return 0;
  };
  const write = (path: string, text: string, isAppended: boolean): boolean => {
    // The failure of this variant: there is no room for anything but logs.
    if (world.variant === 'failed-script' && !path.endsWith('.log')) return false;
    written.set(path.toLowerCase(), isAppended ? `${written.get(path.toLowerCase()) ?? ''}${text}` : text);
    return true;
  };
  const com1 = (line: string): void => {
    if (!isPoweredOff) world.com1(line);
  };
  for (const line of lines) {
    world.screen(`> ${line}`);
    if (isPoweredOff) break;
    try {
      runCommandLine(line, {
        read: (path) => written.get(path.toLowerCase()) ?? readPath(path, world),
        list: (directory) => listOf(directory, world),
        write,
        com1,
        run,
      });
    } catch (error) {
      if (!(error instanceof UnknownConstruct)) throw error;
      world.com1(`@cygstrap failed the rehearsal does not know: ${error.message}`);
    }
  }
  const files = [...written]
    .filter(([path]) => path.startsWith('c:\\'))
    .map(([path, text]) => [path.slice(3).replaceAll('\\', '/'), Buffer.from(text, 'latin1')] as const);
  return { isPoweredOff, labConfig, files: new Map(files) };
}

/** Returns the text of a file of a drive by its path; letters and names in any case. */
function readPath(path: string, world: World): string | undefined {
  const { drive, name } = locate(path, world);
  const file = drive?.files.find((each) => each.toLowerCase() === name);
  if (drive === undefined || file === undefined) return undefined;
  return Buffer.from(world.read(drive, file)).toString('latin1');
}

function listOf(directory: string, world: World): string[] {
  const { drive, name } = locate(directory, world);
  const files = drive?.files.filter((file) => file.toLowerCase().startsWith(`${name}/`)) ?? [];
  return files.map((file) => `${drive?.letter}:\\${file.replaceAll('/', '\\')}`);
}

/** Returns the drive of a path, and the name on it: in lower case, with slashes. */
function locate(path: string, { drives }: World): { drive: Drive | undefined; name: string } {
  const [, letter = '', below = ''] = /^([a-z]):\\?(.*)$/i.exec(path) ?? [];
  const drive = drives.find((each) => each.letter === letter.toUpperCase());
  return { drive, name: below.replaceAll('\\', '/').toLowerCase() };
}
