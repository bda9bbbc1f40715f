import { setTimeout as delay } from 'node:timers/promises';
import { CygstrapError } from '../errors.ts';
import { serveMachine } from '../serve/view.ts';
import type { ViewEnd } from '../serve/view/events.ts';
import type { VmPlaces } from '../stages/layout.ts';
import { runningMachines } from '../stages/running-machines.ts';
import type { RunningMachine } from '../stages/running-machines.ts';
import { tailConsole } from '../vm/console-tail.ts';
import { placesOfVm } from './vm-context.ts';
import type { VmDirectory } from './vm-context.ts';
import { listStages } from './vm-stages.ts';

export interface VmViewRequest {
  /** First characters of the name of a running machine; by default the only one. */
  readonly machine?: string | undefined;
  /** Whether the page sends keys and mouse to the guest; by default it only shows. */
  readonly isControlled?: boolean | undefined;
}

/** A page that shows a running machine. The caller must close it. */
export interface VmView {
  /** Address on loopback that one browser can open: the first. */
  readonly url: string;
  readonly machine: RunningMachine;
  /** Resolves when the machine has ended, or after `close`. Rejects with `io`. */
  readonly ended: Promise<void>;
  close(): Promise<void>;
}

const POLL_INTERVAL_MS = 1000;

/** Serves a page on loopback with the screen, the console and the stages of a running machine. The address contains a
 *  token for the first browser that opens it; all other requests are refused. Throws `usage` if no machine runs, if
 *  several do and none is chosen, and `io`. */
export async function viewVm(
  { machine: name, isControlled = false }: VmViewRequest = {},
  directory: VmDirectory = {},
): Promise<VmView> {
  const places = placesOfVm(directory);
  const machine = chosen(await runningMachines(places), name);
  const { vnc, consoleLog, ...facts } = machine;
  const server = await serveMachine({
    vnc,
    isControlled,
    state: async () => ({
      machine: { ...facts, hasScreen: vnc !== null, isControlled },
      stages: await listStages(directory),
    }),
    console: (signal) => tailConsole(consoleLog, signal),
  });
  const closed = new AbortController();
  let reason: ViewEnd = 'closed';
  const watch = async (): Promise<void> => {
    await untilEnded(places, machine, closed.signal);
    if (!closed.signal.aborted) reason = 'ended';
  };
  const ended = watch();
  ended.catch(() => {});
  return {
    url: server.url,
    machine,
    ended,
    async close() {
      closed.abort();
      await server.close(reason);
    },
  };
}

function chosen(running: readonly RunningMachine[], name: string | undefined): RunningMachine {
  const matching = running.filter((each) => each.name.startsWith(name ?? ''));
  const [only] = matching;
  if (only !== undefined && matching.length === 1 && name !== '') return only;
  if (running.length === 0)
    throw new CygstrapError('usage', 'no machine is running', {
      hint: 'start one with `cygstrap vm install`, `vm shell` or `vm boot` in another terminal',
    });
  const found = `${running.length} running: ${running.map((each) => `${each.name} (${each.activity})`).join(', ')}`;
  const message =
    name === undefined
      ? 'there are several running machines'
      : `${matching.length === 0 ? 'no' : 'more than one'} running machine has a name that starts with \`${name}\``;
  throw new CygstrapError('usage', `${message}: ${found}`, { hint: 'choose one with `--machine NAME`' });
}

async function untilEnded(places: VmPlaces, { name }: RunningMachine, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && (await runningMachines(places)).some((each) => each.name === name))
    await delay(POLL_INTERVAL_MS, undefined, { signal }).catch(() => {});
}
