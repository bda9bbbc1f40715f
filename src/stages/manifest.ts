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
export const STAGE_SCHEMA = 5;

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
    /** `InstallKit.description`. */
    readonly description: readonly string[];
    /** Date and time of the installation in UTC. */
    readonly installed: string;
    /** Date and time in UTC at which an evaluation edition ends; null for other guests. */
    readonly evaluationEnds: string | null;
    /** Version of cygstrap. */
    readonly version: string;
    readonly durationMs: number;
  };
  /** sha256 of the code of the UEFI firmware; null with BIOS. */
  readonly firmware: string | null;
  readonly disk: FileStamp;
  /** Null with BIOS. */
  readonly vars: FileStamp | null;
  /** Null without a TPM. */
  readonly tpm: FileStamp | null;
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
  readonly made: {
    /** Date and time in UTC at which the memory was saved. */
    readonly saved: string;
    /** That of the installed disk. */
    readonly evaluationEnds: string | null;
    readonly version: string;
    readonly durationMs: number;
    readonly stoppedMs: number;
  };
  readonly disk: FileStamp;
  /** Null with BIOS. */
  readonly vars: FileStamp | null;
  /** Null without a TPM. */
  readonly tpm: FileStamp | null;
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
  /** sha256 of the code of the UEFI firmware; null with BIOS. */
  readonly firmware: string | null;
  /** Model of the processor of the host, if it ran the guest; null if QEMU emulated the processor. */
  readonly hostCpu: string | null;
  /** Command line of QEMU. */
  readonly argv: readonly string[];
}

export type Manifest = InstalledManifest | SnapshotManifest;

/** Files of a stage that have a stamp in its manifest. */
const STAMPED = ['disk', 'vars', 'tpm', 'state', 'ram'] as const;

/** What is known of each stamped file of a stage; null or absent if the stage does not have the file. */
export type OfFiles<T> = { readonly [name in (typeof STAMPED)[number]]?: T | null };

/** Returns the values of the files that a stage has, by file name. */
export function byFileName<T>(files: OfFiles<T>): Readonly<Record<string, T>> {
  return Object.fromEntries(
    STAMPED.flatMap((name) => {
      const value = files[name];
      return value === undefined || value === null ? [] : [[STAGE_FILES[name], value]];
    }),
  );
}

const sha256 = textOf(/^[0-9a-f]{64}$/, 'a sha256 of 64 hexadecimal digits');

const date = textOf(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, 'a date and time in UTC');

const fileStamp: Shape<FileStamp> = objectOf({ sizeBytes: count, sha256 });

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
  firmware: orNull(sha256),
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
        made: objectOf({
          packages: listOf(text),
          lock: text,
          description: listOf(text),
          installed: date,
          evaluationEnds: orNull(date),
          version: text,
          durationMs: number,
        }),
        firmware: orNull(sha256),
        disk: fileStamp,
        vars: orNull(fileStamp),
        tpm: orNull(fileStamp),
      })
    : objectOf({
        schema: only(STAGE_SCHEMA),
        stage: oneOf([stage]),
        key: oneOf([key]),
        install: text,
        guest: text,
        machineOptions,
        machine: frozenMachine,
        made: objectOf({
          saved: date,
          evaluationEnds: orNull(date),
          version: text,
          durationMs: number,
          stoppedMs: number,
        }),
        disk: fileStamp,
        vars: orNull(fileStamp),
        tpm: orNull(fileStamp),
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
