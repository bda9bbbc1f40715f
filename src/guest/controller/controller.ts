import type { Report } from '../../events.ts';
import type { Host } from '../../vm/host.ts';
import type { Machine } from '../../vm/machine.ts';
import { loadMemory } from '../../vm/memory-image.ts';
import type { LinkSpec, MachineSpec } from '../../vm/spec.ts';
import { startMachine } from '../../vm/start.ts';
import { VmError } from '../../vm/vm-error.ts';
import { waitForMarker } from '../console.ts';
import type { ControllerImage } from './image.ts';
import { followJob, putJob } from './job.ts';
import type { FollowOptions, Job } from './job.ts';
import { controllerMachine } from './machine.ts';
import type { ControllerDirectories } from './machine.ts';
import { removeSavedController } from './saved.ts';
import type { SavedController } from './saved.ts';

const LOAD_TIMEOUT_MS = 30_000;

export interface StartControllerOptions {
  readonly image: ControllerImage;
  /** ResumedMachine from these files; booted where there are none. */
  readonly saved?: SavedController | undefined;
  readonly directories: ControllerDirectories;
  readonly link: LinkSpec;
  /** Of the run: sockets and the console's log. */
  readonly directory: string;
  readonly report?: Report | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A controller that runs. Disposing of it ends it at once. */
export interface Controller extends AsyncDisposable {
  readonly machine: Machine;
  /** Resolves when the shares are served; a saved controller that does not get so far is forgotten. Throws GuestError `guest`, VmError, the
   *  signal's reason. */
  untilReady(options: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined }): Promise<void>;
  /** Runs a command line in the guest, as soon as its ssh answers; jobs go one after the other. Gives the code that ssh ended with, which is
   *  255 where it could not connect. Throws VmError as soon as the controller ends, the signal's reason, and what `onOutput` throws. */
  runJob(job: Job, options: FollowOptions): Promise<number>;
}

/** Starts a controller: resumes the saved one, or boots where there is none or it is refused, which is reported. Throws VmError, and the
 *  reason of the signal. */
export async function startController(host: Host, options: StartControllerOptions): Promise<Controller> {
  const { saved, report, signal } = options;
  if (saved !== undefined) {
    try {
      return controllerOf(await resume(host, saved, options), {
        ...options,
        onFailure: () => removeSavedController(saved),
      });
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof VmError)) throw error;
      report?.({
        kind: 'warning',
        message: `the saved controller was not resumed, one is booted instead: ${error.message}`,
      });
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
    await machine.qmp.command('cont', {}, { signal: options.signal });
    return machine;
  } catch (error) {
    await machine[Symbol.asyncDispose]();
    throw error;
  }
}

function specOf(
  { image, directories, link }: StartControllerOptions,
  { memory, start }: { memory: MachineSpec['memory']['backing']; start: MachineSpec['start'] },
): MachineSpec {
  return controllerMachine({ image, directories, link, orders: { kind: 'work', epochMs: Date.now() }, memory, start });
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
        // Whatever was wrong, the next run should not begin with it.
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
        // Nobody waits for it any more.
        ours.abort();
      }
    },
    [Symbol.asyncDispose]: () => machine[Symbol.asyncDispose](),
  };
}
