import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

/** What the page shows besides the screen: a plain value. Times are milliseconds since 1970. */
export interface ViewState {
  readonly machine: {
    readonly name: string;
    readonly activity: string;
    readonly guest: string;
    readonly key: string;
    readonly startedMs: number;
    readonly hasScreen: boolean;
    /** Whether the page sends keys and mouse. */
    readonly isControlled: boolean;
  };
  readonly stages: readonly {
    readonly stage: string;
    readonly key: string;
    readonly usedBytes: number;
    readonly madeMs: number;
    readonly isInUse: boolean;
    readonly madeOf: string;
  }[];
}

/** New text of a console: complete lines, and the text after them that has no line end yet. */
export interface ConsolePart {
  readonly lines: readonly string[];
  readonly open: string;
}

export interface ViewSource {
  readonly state: () => Promise<ViewState>;
  /** Ends when the signal is aborted. */
  readonly console: (signal: AbortSignal) => AsyncIterable<ConsolePart>;
}

const STATE_INTERVAL_MS = 2000;

/** Why a view ends: the machine has ended, or the view is closed while the machine runs. */
export type ViewEnd = 'ended' | 'closed';

/** Sends state and console of a machine as server-sent events until the client disconnects or `stop` is aborted; then
 *  the last event is `end` with the reason of `stop`, a {@link ViewEnd}. */
export async function sendEvents(source: ViewSource, response: ServerResponse, stop: AbortSignal): Promise<void> {
  const closed = new AbortController();
  response.once('close', () => closed.abort());
  const signal = AbortSignal.any([stop, closed.signal]);
  const send = async (event: string, data: unknown): Promise<void> => {
    if (!response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`))
      await once(response, 'drain', { signal });
  };
  const sendStates = async (): Promise<void> => {
    for (let last = ''; ; await delay(STATE_INTERVAL_MS, undefined, { signal })) {
      const state = await source.state();
      const text = JSON.stringify(state);
      if (text !== last) await send('state', state);
      last = text;
    }
  };
  const sendConsole = async (): Promise<void> => {
    for await (const part of source.console(signal)) await send('console', part);
  };
  try {
    await Promise.all([sendStates(), sendConsole()]);
  } catch (error) {
    closed.abort();
    if (!stop.aborted) throw error;
  }
  await send('end', stop.reason).catch(() => {});
  response.end();
}
