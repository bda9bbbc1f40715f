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

/** In a directory below `work`: which stages its owner uses, a line each: `STAGE KEY`. Who owns it is in `locks`. */
export const USES_FILE = 'uses';

/** In a directory below `work`: link to the directory of sockets and passing files that goes with it. */
export const RUN_LINK = 'run';

/** Directories below the one that all stages of a user are in. */
export interface VmPlaces {
  readonly root: string;
  /** One directory for each stage being made and each run. */
  readonly work: string;
  readonly locks: string;
  /** Console and last screen of each stage, of failed ones too: `STAGE-KEY.console.log`, `.png`; consoles of failed runs. */
  readonly logs: string;
  /** What the files of each stage were like when they were last read and found intact: `STAGE-KEY.json`. */
  readonly intact: string;
  /** What the probe of this host found. */
  readonly host: string;
}

/** Names what is in the directory of all stages. */
export function vmPlaces(root: string): VmPlaces {
  return {
    root,
    work: join(root, 'work'),
    locks: join(root, 'locks'),
    logs: join(root, 'logs'),
    intact: join(root, 'intact'),
    host: join(root, 'host.json'),
  };
}

/** The directory of a stage. */
export function stagePath({ root }: VmPlaces, stage: StageName, key: string): string {
  return join(root, stage, key);
}

/** Where it is written what the files of a stage were like when they were found intact. */
export function identitiesPath({ intact }: VmPlaces, stage: StageName, key: string): string {
  return join(intact, `${stage}-${key}.json`);
}

/** Where the console log and the last screen of a stage go. */
export function logPaths(
  { logs }: VmPlaces,
  stage: StageName,
  key: string,
): { readonly console: string; readonly screen: string } {
  const stem = join(logs, `${stage}-${key}`);
  return { console: `${stem}.console.log`, screen: `${stem}.png` };
}

/** Where the console log of a resumed machine goes, by the name of its directory below `work`. Of a machine that did not fail it goes. */
export function runLogPath({ logs }: VmPlaces, name: string): string {
  return join(logs, `run-${name}.console.log`);
}
