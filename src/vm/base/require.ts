import { DOCTOR_HINT } from '../../io/doctor-hint.ts';
import type { Host, Qemu, UefiFirmware } from './host.ts';
import { VmError } from './vm-error.ts';

/** Returns the path of a tool. Throws VmError if it is not installed. */
export function requireTool({ tools }: Pick<Host, 'tools'>, name: keyof Host['tools']): string {
  const path = tools[name];
  if (path === undefined) throw new VmError(`\`${name}\` is not installed`, { hint: DOCTOR_HINT });
  return path;
}

/** Returns the UEFI firmware of a host. Throws VmError if none is installed. */
export function requireFirmware({ firmware }: Pick<Host, 'firmware'>): UefiFirmware {
  if (firmware === undefined) throw new VmError('no UEFI firmware is installed for QEMU', { hint: DOCTOR_HINT });
  return firmware;
}

/** Returns the QEMU of a host. Throws VmError if it is not installed. */
export function requireQemu({ qemu }: Pick<Host, 'qemu'>): Qemu {
  if (qemu === undefined) throw new VmError('QEMU is not installed', { hint: DOCTOR_HINT });
  return qemu;
}
