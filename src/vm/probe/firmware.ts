import { readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { fieldOf, listOf } from '../qmp/values.ts';
import type { UefiFirmware } from '../base/host.ts';

export interface FirmwareOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Absolute path of QEMU, whose own files are beside it. */
  readonly qemu: string;
  /** For tests: the root of the system's directories. */
  readonly root?: string;
}

/** Finds the UEFI firmware for x64 machines, without Secure Boot, through the descriptions that distributions install
 *  for QEMU. Of files with one name the first directory counts; an empty file hides those below. Returns undefined
 *  without a usable description. Source: QEMU docs/interop/firmware.json. */
export async function findFirmware({
  environment,
  qemu,
  root = '/',
}: FirmwareOptions): Promise<UefiFirmware | undefined> {
  const config = environment['XDG_CONFIG_HOME'];
  const directories = [
    join(config !== undefined && isAbsolute(config) ? config : join(homedir(), '.config'), 'qemu/firmware'),
    join(root, 'etc/qemu/firmware'),
    join(root, 'usr/share/qemu/firmware'),
    // Homebrew, Nix, and a QEMU built from source.
    join(dirname(dirname(qemu)), 'share/qemu/firmware'),
  ];
  const byName = new Map<string, string>();
  for (const directory of directories) {
    for (const name of await readdir(directory).catch(() => []))
      if (name.endsWith('.json') && !byName.has(name)) byName.set(name, join(directory, name));
  }
  for (const [, path] of [...byName].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const firmware = firmwareOf(await readFile(path, 'utf8').catch(() => ''));
    if (firmware !== undefined) return firmware;
  }
  return undefined;
}

/** Returns the firmware of a description if it is usable: for both chipset families, in flash memory, not for System
 *  Management Mode. */
function firmwareOf(text: string): UefiFirmware | undefined {
  let description: unknown;
  try {
    description = JSON.parse(text);
  } catch {
    return undefined;
  }
  const mapping = fieldOf(description, 'mapping');
  const [code, vars] = ['executable', 'nvram-template'].map((name) => fileOf(fieldOf(mapping, name)));
  const isForMachines = listOf(fieldOf(description, 'targets')).some(
    (target) =>
      fieldOf(target, 'architecture') === 'x86_64' &&
      ['pc-q35-', 'pc-i440fx-'].every((family) =>
        listOf(fieldOf(target, 'machines')).some((name) => typeof name === 'string' && name.startsWith(family)),
      ),
  );
  const isUsable =
    listOf(fieldOf(description, 'interface-types')).includes('uefi') &&
    fieldOf(mapping, 'device') === 'flash' &&
    [undefined, 'split'].includes(fieldOf(mapping, 'mode') as string | undefined) &&
    !listOf(fieldOf(description, 'features')).includes('requires-smm');
  return isForMachines && isUsable && code !== undefined && vars !== undefined ? { code, vars } : undefined;
}

function fileOf(value: unknown): UefiFirmware['code'] | undefined {
  const [path, format] = [fieldOf(value, 'filename'), fieldOf(value, 'format')];
  if (typeof path !== 'string' || (format !== 'raw' && format !== 'qcow2')) return undefined;
  return { path, format };
}
