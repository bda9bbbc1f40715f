import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Report } from '../../events.ts';
import type { Host } from '../../vm/base/host.ts';
import type { Machine } from '../../vm/machine.ts';
import { loadMemory } from '../../vm/memory-image.ts';
import type { LinkSpec, MachineSpec } from '../../vm/base/spec.ts';
import { startMachine } from '../../vm/start.ts';
import { VmError } from '../../vm/base/vm-error.ts';
import { waitForMarker } from '../console.ts';
import type { ControllerImage } from './image.ts';
import { passdbFor } from '../passdb.ts';
import type { SmbPolicy } from '../shares.ts';
import { PASSDB_JOB_FILE } from './init.ts';
import { followJob, putJob } from './job.ts';
import type { FollowOptions, Job } from './job.ts';
import { controllerMachine } from './machine.ts';
import type { ControllerDirectories } from './machine.ts';
import { removeSavedController } from './saved.ts';
import type { SavedController } from './saved.ts';

const LOAD_TIMEOUT_MS = 30_000;

/** The user of smbd in a controller. */
const ROOT = { name: 'root', uid: 0 };

export interface StartControllerOptions {
  readonly image: ControllerImage;
  readonly smb: SmbPolicy;
  /** Content of the password file of the stage. */
  readonly passdb: string;
  /** Files of the saved controller; without them it is booted. */
  readonly saved?: SavedController | undefined;
  readonly directories: ControllerDirectories;
  readonly link: LinkSpec;
  /** Run directory: sockets and the console log. */
  readonly directory: string;
  readonly report?: Report | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A running controller. Disposing it ends it at once. */
export interface Controller extends AsyncDisposable {
  readonly machine: Machine;
  /** Resolves when the shares are served. A saved controller that fails before that is deleted. Throws GuestError
   *  `guest`, VmError, and the reason of the signal. */
  untilReady(options: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined }): Promise<void>;
  /** Runs a command line in the guest after its ssh server answers; commands run one after the other. Returns the
   *  exit code of ssh, 255 if it could not connect. Throws VmError when the controller ends, the reason of the
   *  signal, and what `onOutput` throws. */
  runJob(job: Job, options: FollowOptions): Promise<number>;
}

/** Starts a controller: resumes the saved one, or boots one if there is none or it cannot be resumed, with a warning.
 *  Throws VmError, and the reason of the signal. */
export async function startController(host: Host, options: StartControllerOptions): Promise<Controller> {
  const { saved, passdb, directories, report, signal } = options;
  await writeFile(join(directories.jobs, PASSDB_JOB_FILE), passdbFor(passdb, ROOT), { mode: 0o600 });
  if (saved !== undefined) {
    try {
      return controllerOf(await resume(host, saved, options), {
        ...options,
        onFailure: () => removeSavedController(saved),
      });
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof VmError)) throw error;
      report?.({ kind: 'warning', message: `cannot resume the saved controller; booting instead: ${error.message}` });
      await removeSavedController(saved);
    }
  }
  const spec = specOf(options, { memory: { kind: 'private' }, start: 'running' });
  return controllerOf(await startMachine(spec, host, options), options);
}

async function resume(
  host: Host,
  { memory, state }: SavedController,
  options: StartControllerOptions,
): Promise<Machine> {
  const spec = specOf(options, { memory: { kind: 'file', path: memory, isShared: false }, start: 'incoming' });
  const machine = await startMachine(spec, host, options);
  try {
    await loadMemory(machine, {
      path: state,
      compression: { kind: 'none' },
      timeoutMs: LOAD_TIMEOUT_MS,
      signal: options.signal,
    });
    await machine.command('cont', {}, { signal: options.signal });
    return machine;
  } catch (error) {
    await machine[Symbol.asyncDispose]();
    throw error;
  }
}

function specOf(
  { image, directories, link, smb }: StartControllerOptions,
  { memory, start }: { memory: MachineSpec['memory']['backing']; start: MachineSpec['start'] },
): MachineSpec {
  return controllerMachine({
    image,
    directories,
    link,
    smb,
    orders: { kind: 'work', epochMs: Date.now() },
    memory,
    start,
  });
}

function controllerOf(
  machine: Machine,
  { image, directories, onFailure }: StartControllerOptions & { readonly onFailure?: () => Promise<void> },
): Controller {
  let number = 0;
  return {
    machine,
    untilReady: async (options) => {
      try {
        await waitForMarker(machine, 'ready', options);
      } catch (error) {
        // The next run boots a new one.
        if (options.signal?.aborted !== true) await onFailure?.();
        throw error;
      }
    },
    runJob: async (job, options) => {
      number += 1;
      const place = { directory: directories.jobs, number, ssh: image.ssh };
      await putJob(place, job);
      const ours = new AbortController();
      try {
        const signal = options.signal === undefined ? ours.signal : AbortSignal.any([options.signal, ours.signal]);
        return await machine.unlessEnded(followJob(place, { ...options, signal }));
      } finally {
        // The caller has stopped waiting.
        ours.abort();
      }
    },
    [Symbol.asyncDispose]: () => machine[Symbol.asyncDispose](),
  };
}
