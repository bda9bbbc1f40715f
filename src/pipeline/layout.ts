import { join } from 'node:path';

/** The stages that are kept, in their order. */
export const STAGES = ['install', 'snapshot'] as const;

export type StageName = (typeof STAGES)[number];

/** Files in the directory of a stage, `STAGE/KEY`. Besides them an installed disk has the boot files of its guest kind. */
export const STAGE_FILES = {
  /** What the stage is and how it was made; with it, the directory is complete. */
  manifest: 'stage.json',
  /** Installed: the powered-off disk. Snapshot: a layer over that. Neither is ever written again. */
  disk: 'disk.qcow2',
  /** RAM of the machine that stood still, byte by byte; only a snapshot that is not portable has it. */
  ram: 'ram',
  /** Devices of the machine that stood still; in a portable snapshot its memory too, compressed. */
  state: 'state',
} as const;

/** Who works in a directory below `work`: a lock file. */
export const OWNER_FILE = 'owner';

/** Which stages the owner uses, a line each: `STAGE KEY`. */
export const USES_FILE = 'uses';

/** Directories below the one that all stages of a user are in. */
export interface VmPlaces {
  readonly root: string;
  /** One directory for each stage being made and each run. */
  readonly work: string;
  readonly locks: string;
  /** Console and last screen of each stage, of failed ones too: `STAGE-KEY.console.log`, `.png`. */
  readonly logs: string;
  /** What the probe of this host found. */
  readonly host: string;
}

/** Names what is in the directory of all stages. */
export function vmPlaces(root: string): VmPlaces {
  return { root, work: join(root, 'work'), locks: join(root, 'locks'), logs: join(root, 'logs'), host: join(root, 'host.json') };
}

/** The directory of a stage. */
export function stagePath({ root }: VmPlaces, stage: StageName, key: string): string {
  return join(root, stage, key);
}

/** Where the console log and the last screen of a stage go. */
export function logPaths({ logs }: VmPlaces, stage: StageName, key: string): { readonly console: string; readonly screen: string } {
  const stem = join(logs, `${stage}-${key}`);
  return { console: `${stem}.console.log`, screen: `${stem}.png` };
}
