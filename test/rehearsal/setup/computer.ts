import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { SCRIPT_FILE } from '../../../src/guest/windows/options.ts';
import { scriptFiles } from '../../../src/guest/windows/script.ts';
import type { ScriptOptions } from '../../../src/guest/windows/script.ts';
import { PROJECT } from '../../support/transcript.ts';
import type { DiskPlan, Drive } from '../answers.ts';
import type { Kept } from './commands.ts';
import { cygwinProgram } from './cygwin.ts';
import { start } from './phases.ts';
import { Registry } from './registry.ts';
import type { Medium, OwnProgram, StartEnd, Variant, World } from './world.ts';

/** An installation of the counterfeit. */
export interface Options {
  readonly golden?: string;
  readonly variant?: Variant;
  readonly change?: (answers: string) => string;
  readonly changeScript?: (script: string) => string;
  /** Files of the user by path, such as `logon.cmd`. */
  readonly commands?: Readonly<Record<string, string>>;
  /** Programs of Cygwin and its setup; by default they succeed. */
  readonly program?: OwnProgram;
  /** Whether a drive has the setup program. */
  readonly hasRepo?: boolean;
  readonly language?: string;
}

/** A computer that is started until it no longer restarts. */
export interface Run {
  readonly com1: string[];
  readonly screen: string[];
  readonly ends: StartEnd[];
  readonly disks: DiskPlan[];
  readonly files: Map<string, string>;
  /** Returns a value of the registry at the end. */
  readonly registry: (key: string, name: string) => string | undefined;
  /** What the disk keeps at the end. */
  readonly kept: () => Kept;
}

const SETUP = {
  program: 'setup-x86_64.exe',
  arch: 'x86_64',
  packages: 1,
  arguments: ['--local-package-dir', '<repo>', '--packages', 'openssh'],
} as const;

/** Installs with a golden; at most 8 starts. */
export function install({
  golden = 'windows-2022-uefi.xml',
  variant = 'plain',
  change = (text) => text,
  changeScript = (text) => text,
  commands = {},
  program = cygwinProgram,
  hasRepo = true,
  language = 'en-US',
}: Options = {}): Run {
  let state: string | undefined;
  const kept = (): Kept => (JSON.parse(state ?? '{}') as { kept: Kept }).kept;
  const registry: Run['registry'] = (key, name) => Registry.parse(kept().registry).get(key, name);
  const run: Run = { com1: [], screen: [], ends: [], disks: [], files: new Map(), registry, kept };
  const [, kind = '', firmware = 'bios'] = /^(windows-[\d.a-z]*?[\d.a-z]+)(?:-(bios|uefi))?\.\w+$/.exec(golden) ?? [];
  const answers = change(readFileSync(join(PROJECT, 'fixtures/windows', golden), 'latin1'));
  const isLegacy = golden.endsWith('.sif');
  const scripts = scriptFiles({
    kind: kind as ScriptOptions['kind'],
    nonce: '0123',
    commands: { logon: 'logon.cmd' in commands, specialize: 'specialize.cmd' in commands },
    hasDrivers: Object.keys(commands).some((name) => name.startsWith('drivers/')),
    setup: { ...SETUP, ...(isLegacy && { program: 'setup-x86.exe', arch: 'x86' }) },
  });
  const texts: Readonly<Record<string, string>> = {
    ...Object.fromEntries([...scripts].map(([name, bytes]) => [name, Buffer.from(bytes).toString('latin1')])),
    [SCRIPT_FILE]: changeScript(Buffer.from(scripts.get(SCRIPT_FILE) ?? expect.fail()).toString('latin1')),
    ...commands,
    password: 'Cy1-secret\n',
    [isLegacy ? 'WINNT.SIF' : 'Autounattend.xml']: answers,
  };
  const drives: Drive[] = [
    { letter: 'D', type: 'cdrom', isSetup: true, files: ['setup.exe'] },
    isLegacy
      ? { letter: 'A', type: 'floppy', isSetup: false, files: Object.keys(texts) }
      : { letter: 'F', type: 'cdrom', isSetup: false, files: Object.keys(texts) },
    ...(hasRepo
      ? [{ letter: 'E', type: 'cdrom', isSetup: false, files: ['setup-x86.exe', 'setup-x86_64.exe'] } as const]
      : []),
  ];
  const images = [1, 2].map((index) => ({ index, name: `Windows ${index}`, editionId: '' }));
  const medium = {
    kind,
    arch: 'amd64',
    setupLanguage: language,
    images,
    productKey: isLegacy ? 'optional' : 'none',
  } as Medium;
  for (let from: World['from'] = 'cd'; run.ends.length < 8; from = 'disk') {
    const end = start({
      from,
      variant,
      medium,
      drives,
      read: ({ letter }, file) => Buffer.from(letter === 'E' ? '' : (texts[file] ?? expect.fail()), 'latin1'),
      computer: { firmware: firmware as 'bios' | 'uefi', diskMB: 65536, hasTpm: false, memoryMB: 4000 },
      program,
      screen: (line) => run.screen.push(line),
      com1: (line) => run.com1.push(line),
      prepareDisk: (plan) => run.disks.push(plan),
      writeFiles: (partition, files) => {
        for (const [name, content] of files) run.files.set(`${partition}:${name}`, Buffer.from(content).toString());
      },
      readState: () => state,
      writeState: (text) => (state = text),
    });
    run.ends.push(end);
    if (end !== 'restart') break;
  }
  return run;
}
