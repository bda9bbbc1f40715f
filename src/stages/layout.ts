import { join } from 'node:path';

/** The stages that are stored, in the order in which they are made. */
export const STAGES = ['install', 'snapshot'] as const;

export type StageName = (typeof STAGES)[number];

/** What is recorded with its times: stages that are made, and runs. */
export const TIMED_ACTIVITIES = ['install', 'snapshot', 'run'] as const;

export type TimedActivity = (typeof TIMED_ACTIVITIES)[number];

/** Files in the directory of a stage, `STAGE/KEY`. An installed disk also has the boot files of its guest kind. */
export const STAGE_FILES = {
  /** The manifest. */
  manifest: 'stage.json',
  /** Installed: the disk after power-off. Snapshot: an overlay of that disk. Both are read-only. */
  disk: 'disk.qcow2',
  /** Variables of the UEFI firmware, as the disk; absent with BIOS. */
  vars: 'vars.qcow2',
  /** State of the TPM, under the name that swtpm gives it; absent without a TPM. */
  tpm: 'tpm2-00.permall',
  /** Installed: what the guest found when it compared its packages with the lock. */
  report: 'report.json',
  /** RAM of the saved machine, uncompressed; absent in a portable snapshot. */
  ram: 'ram',
  /** Devices of the saved machine; in a portable snapshot also its memory, compressed. */
  state: 'state',
} as const;

/** File in a directory below `work`: the stages that its owner uses, one line `STAGE KEY` each. The lock of the
 *  owner is in `locks`. */
export const USES_FILE = 'uses';

/** Symbolic link in a directory below `work` to its short directory for sockets and temporary files. */
export const RUN_LINK = 'run';

/** File in that short directory: the machine that runs in it. */
export const MACHINE_RECORD = 'machine.json';

/** Directories and files below the directory of all stages of a user. */
export interface VmPlaces {
  readonly root: string;
  /** One directory for each stage that is being made, and for each run. */
  readonly work: string;
  readonly locks: string;
  /** Console log and last screen of each stage, including failed ones: `STAGE-KEY.console.log`, `STAGE-KEY.png`; of
   *  failed ones also the record of the failure, `STAGE-KEY.failure.json`, the findings about the packages,
   *  `STAGE-KEY.report.json`, and the logs of the installer, `STAGE-KEY.setup/`. Console logs of failed runs:
   *  `run-WORK.console.log`. */
  readonly logs: string;
  /** Identities of the verified files of each stage: `STAGE-KEY.json`. */
  readonly integrity: string;
  /** Times of stages and runs: a directory `ACTIVITY-KEY` for each stage, with a file for each time. */
  readonly times: string;
  /** Result of the last probe of this host. */
  readonly host: string;
}

/** Returns the paths below the directory of all stages. */
export function vmPlaces(root: string): VmPlaces {
  return {
    root,
    work: join(root, 'work'),
    locks: join(root, 'locks'),
    logs: join(root, 'logs'),
    integrity: join(root, 'integrity'),
    times: join(root, 'times'),
    host: join(root, 'host.json'),
  };
}

/** Returns the directory of a stage. */
export function stagePath({ root }: VmPlaces, stage: StageName, key: string): string {
  return join(root, stage, key);
}

/** Returns the file with the identities of the verified files of a stage. */
export function identitiesPath({ integrity }: VmPlaces, stage: StageName, key: string): string {
  return join(integrity, `${stage}-${key}.json`);
}

/** Returns the directory with the times of one activity with one stage. */
export function timesPath({ times }: VmPlaces, activity: TimedActivity, key: string): string {
  return join(times, `${activity}-${key}`);
}

/** Returns the directories with the times of a stage, and of the runs of a snapshot. */
export function timesOfStage(places: VmPlaces, stage: StageName, key: string): string[] {
  const activities = stage === 'install' ? (['install'] as const) : (['snapshot', 'run'] as const);
  return activities.map((activity) => timesPath(places, activity, key));
}

/** What remains of a stage that was made, or that failed. */
export interface LogPaths {
  readonly console: string;
  readonly screen: string;
  /** Record of the failure; absent if the stage did not fail. */
  readonly failure: string;
  /** What the guest found when it compared its packages with the lock, if the installation was refused for it. */
  readonly report: string;
  /** Directory with the logs of the installer, from the disk of a failed installation. */
  readonly setup: string;
}

/** Returns the paths of the logs of a stage. */
export function logPaths({ logs }: VmPlaces, stage: StageName, key: string): LogPaths {
  const stem = join(logs, `${stage}-${key}`);
  return {
    console: `${stem}.console.log`,
    screen: `${stem}.png`,
    failure: `${stem}.failure.json`,
    report: `${stem}.report.json`,
    setup: `${stem}.setup`,
  };
}

/** Returns the path of the console log of a resumed machine, by the name of its work directory. The log of a machine
 *  that did not fail is removed. */
export function runLogPath({ logs }: VmPlaces, name: string): string {
  return join(logs, `run-${name}.console.log`);
}
