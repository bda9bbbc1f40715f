import type { Drive } from '../answers.ts';
import { runCommandLine, UnknownConstruct } from './cmd.ts';
import type { ProgramResult } from './cmd-world.ts';
import { fillRegistry, runProgram } from './programs.ts';
import type { Language, WindowsState } from './programs.ts';
import { Registry } from './registry.ts';
import type { World } from './world.ts';

/** What a disk keeps over a restart: plain data. */
export interface Kept {
  /** Texts of files that commands have written, by path in lower case; directories end with a backslash. */
  readonly files: Readonly<Record<string, string>>;
  readonly registry: string;
  readonly users: readonly string[];
  readonly administrators: readonly string[];
}

/** What the commands of a phase have done. */
export interface Done {
  /** Files on C by path, without the drive, with slashes. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** How one has ended the computer. */
  readonly end: 'power-off' | 'restart' | undefined;
  readonly kept: Kept;
  /** Returns the data of a value of the registry. */
  readonly registryValue: (key: string, name: string) => string | undefined;
}

/** Runs command lines one after the other, until one ends the computer. */
export function runCommands(lines: readonly string[], world: World, kept?: Kept): Done {
  const written = new Map(Object.entries(kept?.files ?? {}));
  const windows = windowsOf(world, kept);
  let end: Done['end'];
  const write = (path: string, text: string, isAppended: boolean): boolean => {
    // The failure of this variant: there is no room for anything but logs.
    if (world.variant === 'failed-script' && !path.endsWith('.log')) return false;
    written.set(path.toLowerCase(), isAppended ? `${written.get(path.toLowerCase()) ?? ''}${text}` : text);
    return true;
  };
  const com1 = (line: string): void => {
    if (end === undefined) world.com1(line);
  };
  const run = (program: string, args: readonly string[]): ProgramResult | undefined => {
    // The computer is off.
    if (end !== undefined) return { exitCode: 0 };
    world.screen(`  ${program.replace(/\.exe$/i, '')} ${args.join(' ')}`);
    if (/[\\/]/.test(program)) return runOwn(program, args);
    const name = program.toLowerCase().replace(/\.exe$/, '');
    if (name !== 'shutdown') return runProgram(name, args, windows);
    if (args.some((arg) => /^[-/][sp]$/i.test(arg))) end = 'power-off';
    if (args.some((arg) => /^[-/]r$/i.test(arg))) end = 'restart';
    return { exitCode: 0 };
  };
  const runOwn = (program: string, args: readonly string[]): ProgramResult | undefined => {
    const result = world.program(program, args, (path) => written.get(path.toLowerCase()) ?? readPath(path, world));
    for (const [path, text] of Object.entries(result?.files ?? {})) write(path, text, false);
    return result;
  };
  for (const line of lines) {
    world.screen(`> ${line}`);
    if (end !== undefined) break;
    try {
      runCommandLine(line, {
        read: (path) => written.get(path.toLowerCase()) ?? readPath(path, world),
        list: (directory) => [...listOf(directory, world), ...madeBelow(directory, written)],
        write,
        remove: (path) => void written.delete(path.toLowerCase()),
        makeDirectory: (path) => void written.set(`${path.toLowerCase().replace(/\\$/, '')}\\`, ''),
        com1,
        run,
      });
    } catch (error) {
      if (!(error instanceof UnknownConstruct)) throw error;
      world.com1(`@cygstrap failed the rehearsal does not know: ${error.message}`);
    }
  }
  const files = [...written]
    .filter(([path]) => path.startsWith('c:\\') && !path.endsWith('\\'))
    .map(([path, text]) => [path.slice(3).replaceAll('\\', '/'), Buffer.from(text, 'latin1')] as const);
  return {
    end,
    files: new Map(files),
    kept: {
      files: Object.fromEntries(written),
      registry: windows.registry.print(),
      users: [...windows.users],
      administrators: [...windows.administrators],
    },
    registryValue: (key, name) => windows.registry.get(key, name),
  };
}

function windowsOf({ medium, variant }: World, kept: Kept | undefined): WindowsState {
  const language: Language = 'setupLanguage' in medium && medium.setupLanguage === 'de-DE' ? 'de' : 'en';
  const registry = kept === undefined ? new Registry() : Registry.parse(kept.registry);
  if (kept === undefined) fillRegistry(registry, language);
  return {
    registry,
    language,
    hasNetsh: variant !== 'netsh-fails',
    users: new Set(kept?.users),
    administrators: new Set(kept?.administrators),
  };
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

function madeBelow(directory: string, written: ReadonlyMap<string, string>): string[] {
  return [...written.keys()].filter((path) => path.startsWith(`${directory.toLowerCase()}\\`));
}

/** Returns the drive of a path, and the name on it: in lower case, with slashes. */
function locate(path: string, { drives }: World): { drive: Drive | undefined; name: string } {
  const [, letter = '', below = ''] = /^([a-z]):\\?(.*)$/i.exec(path) ?? [];
  const drive = drives.find((each) => each.letter === letter.toUpperCase());
  return { drive, name: below.replaceAll('\\', '/').toLowerCase() };
}
