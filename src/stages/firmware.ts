import { sha256OfFile } from '../io/file-digest.ts';
import type { Host } from '../vm/base/host.ts';
import { requireFirmware } from '../vm/base/require.ts';
import type { StageContext } from './context.ts';
import type { InstalledManifest, MachineOptions } from './manifest.ts';

/** Digests (sha256) of the firmware of a machine. */
export interface FirmwareDigests {
  readonly code: string;
  /** Of the variables that a new machine starts with. */
  readonly vars: string;
}

/** Returns the digests of the host's firmware for a machine; null with BIOS, which is part of QEMU. Throws VmError if
 *  the host has no such firmware, and errors of the system. */
export async function firmwareDigests(
  host: Pick<Host, 'firmware'>,
  { firmware }: Pick<MachineOptions, 'firmware'>,
): Promise<FirmwareDigests | null> {
  if (firmware === 'bios') return null;
  const { code, vars } = requireFirmware(host);
  return { code: await sha256OfFile(code.path), vars: await sha256OfFile(vars.path) };
}

/** Returns how the firmware of this host differs from the code (sha256) that a machine was made with; undefined if it
 *  is the same. Throws errors of the system. */
export async function firmwareDifference(
  host: Pick<Host, 'firmware'>,
  options: Pick<MachineOptions, 'firmware'>,
  made: string | null,
): Promise<string | undefined> {
  if (made === null) return undefined;
  if (host.firmware === undefined) return 'it was made with UEFI firmware, and this host has none';
  const found = await firmwareDigests(host, options);
  return found?.code === made
    ? undefined
    : `it was made with other UEFI firmware than \`${host.firmware.code.path}\` of this host`;
}

/** Reports a warning if an installed disk is booted by other firmware than it was installed with. Throws errors of the
 *  system. */
export async function warnOfFirmware(
  { host, report }: Pick<StageContext, 'host' | 'report'>,
  { machineOptions, firmware }: InstalledManifest,
): Promise<void> {
  const difference = await firmwareDifference(host, machineOptions, firmware);
  if (difference !== undefined) report({ kind: 'warning', message: `the installed disk may not boot: ${difference}` });
}
