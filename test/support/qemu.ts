import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, test } from 'vitest';
import type { Host } from '../../src/vm/base/host.ts';
import { findFirmware } from '../../src/vm/probe/firmware.ts';
import { queryQemu } from '../../src/vm/probe/qemu.ts';
import { findTools } from '../../src/vm/probe/tools.ts';

export const QEMU = 'qemu-system-x86_64';

const DIRECTORIES = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];

/** Returns the path of a program, or undefined if it is not installed. */
export function pathOf(program: string): string | undefined {
  return DIRECTORIES.map((directory) => join(directory, program)).find((path) => existsSync(path));
}

/** Programs of the host that a stand-in needs to be installed and used. */
export const STAND_IN_PROGRAMS = [
  QEMU,
  'qemu-img',
  'busybox',
  'sshd',
  'ssh',
  'ssh-keygen',
  'smbd',
  'pdbedit',
  'mke2fs',
  'xz',
  'zstd',
  'xorriso',
  'mcopy',
];

/** Describes tests that require programs. If one is missing, they are skipped, or fail if CI is set. */
export function describeWith(programs: readonly string[], name: string, body: () => void): void {
  const missing = programs.filter((program) => pathOf(program) === undefined);
  if (missing.length === 0) {
    describe(name, body);
    return;
  }
  const title = `${name} (skipped: no ${missing.join(', no ')})`;
  if (!process.env['CI']) describe.skip(title, body);
  else {
    describe(title, () => {
      test('the required programs are installed', () => {
        throw new Error(`not installed: ${missing.join(', ')}`);
      });
    });
  }
}

/** Returns whether programs are installed. Throws for a missing program if CI is set. */
export function whenThere(programs: readonly string[]): boolean {
  const missing = programs.filter((program) => pathOf(program) === undefined);
  if (missing.length > 0 && process.env['CI']) throw new Error(`not installed: ${missing.join(', ')}`);
  return missing.length === 0;
}

let host: Promise<Host> | undefined;

/** Returns this host restricted to software emulation, which behaves alike on every computer. */
export async function emulatingHost(): Promise<Host> {
  host ??= (async (): Promise<Host> => {
    const tools = await findTools(process.env);
    const { accelerators, ...qemu } = await queryQemu(pathOf(QEMU) ?? QEMU, {});
    const firmware = await findFirmware({ environment: process.env, qemu: qemu.binary });
    return {
      architecture: process.arch,
      cpuVendor: 'intel',
      kernelRelease: 'test',
      qemu: {
        ...qemu,
        accelerators: accelerators
          .filter((name) => name === 'tcg')
          .map((name) => ({ name, works: true, cpu: 'qemu64', durationMs: 0 })),
      },
      ...(firmware !== undefined && { firmware }),
      tools,
      memory: { totalBytes: 2 ** 32, availableBytes: 2 ** 32 },
      disks: [],
      hasOwnNetworks: false,
      distribution: { name: 'test', family: undefined },
    };
  })();
  return host;
}
