import { socketPath } from '../base/layout.ts';
import type { MachineFiles } from '../base/layout.ts';
import type { MachineSpec } from '../base/spec.ts';
import { optionValue } from './option-value.ts';
import type { Property } from './option-value.ts';

/** Returns the arguments for flash memory: the code and the variables of UEFI firmware. */
export function flashArguments({ firmware }: MachineSpec): string[] {
  if (firmware.kind === 'bios') return [];
  const flash = (unit: number, path: string, properties: readonly Property[]): string[] => [
    '-drive',
    optionValue('', [
      ['if', 'pflash'],
      ['unit', unit],
      ['file.driver', 'file'],
      ['file.filename', path],
      ...properties,
    ]),
  ];
  const { code, vars } = firmware;
  return [
    ...flash(0, code.path, [
      ['format', code.format],
      ['read-only', true],
    ]),
    ...flash(1, vars, [['format', 'qcow2']]),
  ];
}

/** Returns the arguments for a TPM 2.0, which is a process at a socket. */
export function tpmArguments({ tpm }: MachineSpec, files: MachineFiles): string[] {
  if (tpm === undefined) return [];
  return [
    '-chardev',
    optionValue('socket', [
      ['id', 'swtpm0'],
      ['path', socketPath(files.tpm)],
    ]),
    '-tpmdev',
    optionValue('emulator', [
      ['id', 'emulator0'],
      ['chardev', 'swtpm0'],
    ]),
    '-device',
    optionValue('tpm-crb', [
      ['id', 'tpm0'],
      ['tpmdev', 'emulator0'],
    ]),
  ];
}
