import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CygstrapError } from '../errors.ts';
import { identityOf } from '../io/file-identity.ts';
import { STAGE_FILES } from './layout.ts';
import type { StageName } from './layout.ts';

/** Grows when a field changes its meaning; stages of another number are made anew. */
export const STAGE_SCHEMA = 1;

/** A file of a stage as it was when the stage was published. */
export interface FileStamp {
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** What a user may wish of a machine; part of the key of every stage. */
export interface MachineWishes {
  readonly memoryMiB: number;
  readonly cpus: number;
  readonly diskMiB: number;
  /** Further disks, empty at each start. */
  readonly emptyDisksMiB: readonly number[];
  /** Words for QEMU, as they are. */
  readonly qemuArguments: readonly string[];
}

export interface InstalledManifest {
  readonly schema: typeof STAGE_SCHEMA;
  readonly stage: 'install';
  readonly key: string;
  readonly guest: string;
  readonly wishes: MachineWishes;
  /** For people: what it was made of. */
  readonly made: {
    readonly packages: readonly string[];
    readonly lock: string;
    readonly version: string;
    readonly durationMs: number;
  };
  readonly disk: FileStamp;
}

export interface SnapshotManifest {
  readonly schema: typeof STAGE_SCHEMA;
  readonly stage: 'snapshot';
  readonly key: string;
  /** Key of the installed disk below it. */
  readonly install: string;
  readonly guest: string;
  readonly wishes: MachineWishes;
  readonly machine: FrozenMachine;
  readonly made: { readonly version: string; readonly durationMs: number; readonly stoppedMs: number };
  readonly disk: FileStamp;
  readonly state: FileStamp;
  /** Null: the memory is in the state (a portable snapshot). */
  readonly ram: FileStamp | null;
}

/** The machine that stood still: only its like can go on. */
export interface FrozenMachine {
  readonly qemu: string;
  readonly machineType: string;
  readonly accelerator: string;
  readonly cpu: string;
  /** Of the host, where its processor runs the guest; else null. */
  readonly hostCpu: string | null;
  /** QEMU's words for the devices. */
  readonly argv: readonly string[];
}

export type Manifest = InstalledManifest | SnapshotManifest;

/** Reads the manifest of a stage; undefined where there is none, or of another schema. Throws `io`. */
export async function readManifest(directory: string, stage: StageName): Promise<Manifest | undefined> {
  let text: string;
  try {
    text = await readFile(join(directory, STAGE_FILES.manifest), 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && (cause.code === 'ENOENT' || cause.code === 'ENOTDIR'))
      return undefined;
    throw new CygstrapError('io', `cannot read \`${join(directory, STAGE_FILES.manifest)}\``, { cause });
  }
  try {
    const manifest = JSON.parse(text) as Manifest;
    return manifest.schema === STAGE_SCHEMA && manifest.stage === stage ? manifest : undefined;
  } catch {
    return undefined;
  }
}

/** What a look at a file of a stage came to. */
export type Look =
  { readonly kind: 'intact'; readonly identity: string } | { readonly kind: 'changed'; readonly text: string };

export interface LookOptions {
  /** Its identity from when it was found intact; a file that has another now, or none, is read by `digest`. */
  readonly known: string | undefined;
  readonly digest: (path: string) => Promise<string>;
}

/** Compares a file of a stage with what it was when the stage was published. */
export async function lookAt(path: string, stamp: FileStamp, { known, digest }: LookOptions): Promise<Look> {
  const now = await stat(path).catch(() => undefined);
  if (now === undefined) return { kind: 'changed', text: `\`${path}\` is missing` };
  if (now.size !== stamp.sizeBytes)
    return { kind: 'changed', text: `\`${path}\` has ${now.size} bytes instead of ${stamp.sizeBytes}` };
  const identity = await identityOf(path);
  if (identity === known || (await digest(path)) === stamp.sha256) return { kind: 'intact', identity };
  return { kind: 'changed', text: `\`${path}\` is damaged: its sha256 is another one` };
}
