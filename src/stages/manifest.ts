import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  count,
  flag,
  listOf,
  number,
  objectOf,
  oneOf,
  only,
  orNull,
  parseShaped,
  text,
  textOf,
} from '../core/json/shape.ts';
import type { Shape } from '../core/json/shape.ts';
import { CygstrapError } from '../errors.ts';
import { exists } from '../io/directories.ts';
import { hasCode } from '../io/system-error.ts';
import { FIRMWARE_KINDS } from '../vm/base/spec.ts';
import type { FirmwareKind } from '../vm/base/spec.ts';
import { STAGE_FILES } from './layout.ts';
import type { StageName } from './layout.ts';

/** Version of the manifest format. It is part of every key: after a change, all stages are made again. */
export const STAGE_SCHEMA = 3;

/** Size and digest of a file of a published stage. */
export interface FileStamp {
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** Hardware that the user can set; part of the key of every stage. */
export interface MachineOptions {
  readonly memoryMiB: number;
  readonly cpus: number;
  readonly diskMiB: number;
  /** Sizes of further disks, empty at each start. */
  readonly emptyDisksMiB: readonly number[];
  readonly firmware: FirmwareKind;
  /** Whether the machine has a TPM 2.0. */
  readonly tpm: boolean;
  /** Arguments passed to QEMU unchanged. */
  readonly qemuArguments: readonly string[];
}

export interface InstalledManifest {
  readonly schema: typeof STAGE_SCHEMA;
  readonly stage: 'install';
  readonly key: string;
  /** Name of the guest kind. */
  readonly guest: string;
  readonly machineOptions: MachineOptions;
  /** Description of the inputs, for display. */
  readonly made: {
    readonly packages: readonly string[];
    /** sha256 of the lock. */
    readonly lock: string;
    /** Version of cygstrap. */
    readonly version: string;
    readonly durationMs: number;
  };
  readonly disk: FileStamp;
}

export interface SnapshotManifest {
  readonly schema: typeof STAGE_SCHEMA;
  readonly stage: 'snapshot';
  readonly key: string;
  /** Key of the installed disk that the disk of the snapshot is an overlay of. */
  readonly install: string;
  /** Name of the guest kind. */
  readonly guest: string;
  readonly machineOptions: MachineOptions;
  readonly machine: FrozenMachine;
  readonly made: { readonly version: string; readonly durationMs: number; readonly stoppedMs: number };
  readonly disk: FileStamp;
  readonly state: FileStamp;
  /** Null in a portable snapshot: the memory is part of the state. */
  readonly ram: FileStamp | null;
}

/** The machine of a snapshot. The snapshot can only be resumed in an equal machine. */
export interface FrozenMachine {
  /** Version of QEMU. */
  readonly qemu: string;
  readonly machineType: string;
  readonly accelerator: string;
  readonly cpu: string;
  /** Model of the processor of the host, if it ran the guest; null if QEMU emulated the processor. */
  readonly hostCpu: string | null;
  /** Command line of QEMU. */
  readonly argv: readonly string[];
}

export type Manifest = InstalledManifest | SnapshotManifest;

const fileStamp: Shape<FileStamp> = objectOf({
  sizeBytes: count,
  sha256: textOf(/^[0-9a-f]{64}$/, 'a sha256 of 64 hexadecimal digits'),
});

const machineOptions: Shape<MachineOptions> = objectOf({
  memoryMiB: number,
  cpus: number,
  diskMiB: number,
  emptyDisksMiB: listOf(number),
  firmware: oneOf(FIRMWARE_KINDS),
  tpm: flag,
  qemuArguments: listOf(text),
});

const frozenMachine: Shape<FrozenMachine> = objectOf({
  qemu: text,
  machineType: text,
  accelerator: text,
  cpu: text,
  hostCpu: orNull(text),
  argv: listOf(text),
});

/** The shape of the manifest of one stage. */
function manifestShape(stage: StageName, key: string): Shape<Manifest> {
  return stage === 'install'
    ? objectOf({
        schema: only(STAGE_SCHEMA),
        stage: oneOf([stage]),
        key: oneOf([key]),
        guest: text,
        machineOptions,
        made: objectOf({ packages: listOf(text), lock: text, version: text, durationMs: number }),
        disk: fileStamp,
      })
    : objectOf({
        schema: only(STAGE_SCHEMA),
        stage: oneOf([stage]),
        key: oneOf([key]),
        install: text,
        guest: text,
        machineOptions,
        machine: frozenMachine,
        made: objectOf({ version: text, durationMs: number, stoppedMs: number }),
        disk: fileStamp,
        state: fileStamp,
        ram: orNull(fileStamp),
      });
}

/** Reads and validates the manifest of a stage. Returns undefined if `directory` does not exist. Throws `io`: with the
 *  file and the line if the manifest is damaged, with the cause if it is missing or not readable. */
export async function readManifest(directory: string, stage: StageName, key: string): Promise<Manifest | undefined> {
  const file = join(directory, STAGE_FILES.manifest);
  const hint = `remove the stage with \`cygstrap vm rm ${key}\``;
  let json: string;
  try {
    json = await readFile(file, 'utf8');
  } catch (cause) {
    if (hasCode(cause, 'ENOTDIR') || (hasCode(cause, 'ENOENT') && !(await exists(directory)))) return undefined;
    throw new CygstrapError('io', `cannot read \`${file}\``, { cause, hint });
  }
  return parseShaped(json, manifestShape(stage, key), { file, code: 'io', hint });
}
