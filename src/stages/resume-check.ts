import { randomBytes } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Report } from '../events.ts';
import { GuestError } from '../guest/guest-error.ts';
import { inSequence } from '../guest/kind.ts';
import type { GuestKind } from '../guest/kind.ts';
import { runChecked } from '../guest/ssh-run.ts';
import type { RunCommand } from '../guest/ssh-run.ts';
import { LineSplitter } from '../vm/console.ts';
import { quoteWord } from '../io/quoting.ts';
import type { SharedDirectories } from './topology.ts';

/** A resumed machine, before its snapshot is published. */
export interface ResumedGuest {
  readonly guest: GuestKind;
  readonly run: RunCommand;
  /** Directories of the host that are its shares. */
  readonly shares: SharedDirectories;
  /** The number that was stored in its RAM. */
  readonly number: string;
  /** How long its clock is compared with that of the host. */
  readonly clockMs: number;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** Name of a file in both shares. */
const FILE = 'cygstrap-check';

const DAY_MS = 24 * 60 * 60_000;

/** Largest difference of a clock that was just set; a slow login delays it. */
const CLOCK_TOLERANCE_MS = 60 * 60_000;

/** Largest difference of the speed of two clocks. */
const RATE_TOLERANCE = 0.05;

/** The output of a guest can arrive late if this host is busy. */
const OUTPUT_DELAY_MS = 100;
const RATE_ATTEMPTS = 3;

/** Checks a resumed machine: the number that is in its RAM only, both shares, and its clock, which can be set forwards
 *  and backwards. Reports a warning if a login does not reach the shares by itself, and if its clock is slower or
 *  faster than that of the host. Throws GuestError `guest`
 *  if it does not do what runs need, errors of the system, and the reason of the signal. */
export async function checkResumed(resumed: ResumedGuest): Promise<void> {
  const { guest, run, shares, number, report, signal } = resumed;
  const { readNumber, connectShares, setClock, readClock } = guest.commands;
  const text = randomBytes(16).toString('hex');
  await writeFile(join(shares.store, FILE), text);
  const nowMs = Date.now();
  const printed = await runChecked(
    run,
    inSequence([
      connectShares,
      readNumber,
      `cp ${quoteWord(`${guest.shares.store}/${FILE}`)} ${quoteWord(`${guest.shares.xchg}/${FILE}`)}`,
      setClock(nowMs - DAY_MS),
      readClock,
      setClock(nowMs),
      readClock,
    ]),
    { signal },
  );
  const [found = '', ...clocks] = printed.split('\n').map((line) => line.trim());
  if (found !== number)
    throw new GuestError(
      'guest',
      `the resumed machine has lost the number in its RAM: it prints ${JSON.stringify(found)}`,
    );
  const copied = await readFile(join(shares.xchg, FILE), 'utf8').catch(() => undefined);
  if (copied !== text)
    throw new GuestError('guest', 'the resumed machine copied a file from `store` to `xchg`, but its content differs');
  await Promise.all(Object.values(shares).map((directory) => rm(join(directory, FILE), { force: true })));
  for (const [i, wantedMs] of [nowMs - DAY_MS, nowMs].entries()) {
    const difference = Number(clocks[i]) - wantedMs;
    // NaN if the guest prints something else.
    if (!(Math.abs(difference) <= CLOCK_TOLERANCE_MS))
      throw new GuestError('guest', `the clock of the resumed machine cannot be set: it prints ${clocks[i]}`, {
        hint: `it was set to ${wantedMs} ms since 1970`,
      });
  }
  await checkLogin(resumed);
  const speed = await clockSpeed(resumed);
  if (speed === undefined) return;
  report({
    kind: 'warning',
    message:
      `the clock of the resumed machine runs at ${Math.round(speed * 100)} % of the speed of this computer: ` +
      'the counter of its processor (TSC, QPC) is wrong after a resume, and so are timeouts of its programs',
  });
}

/** Reports a warning if a login does not reach the shares by itself, although the guest is made so. */
async function checkLogin({ guest, run, report, signal }: ResumedGuest): Promise<void> {
  const { reachShares } = guest.commands;
  if (reachShares === undefined || (await run(reachShares, { signal, onOutput: () => {} })) === 0) return;
  const message =
    'a login to the guest does not reach its shares: each connection connects them again, which is slower';
  report({ kind: 'warning', message });
}

/** Returns how fast the clock of a guest is, 1 for the speed of this computer; undefined if that cannot be
 *  distinguished from 1. */
async function clockSpeed({ guest, run, clockMs, signal }: ResumedGuest): Promise<number | undefined> {
  const { readClock } = guest.commands;
  let speed: number | undefined;
  for (let attempt = 0; attempt < RATE_ATTEMPTS; attempt++) {
    const [first, last] = await timedLines(run, `${readClock}; sleep ${clockMs / 1000}; ${readClock}`, signal);
    if (first === undefined || last === undefined) return undefined;
    const [guestMs, hostMs] = [Number(last.text) - Number(first.text), last.ms - first.ms];
    if (Math.abs(guestMs - hostMs) <= hostMs * RATE_TOLERANCE + OUTPUT_DELAY_MS) return undefined;
    speed = guestMs / hostMs;
  }
  return speed;
}

interface TimedLine {
  readonly text: string;
  /** Time of its arrival. */
  readonly ms: number;
}

async function timedLines(run: RunCommand, command: string, signal: AbortSignal): Promise<TimedLine[]> {
  const lines: TimedLine[] = [];
  const splitter = new LineSplitter();
  await run(command, {
    signal,
    onOutput: (stream, chunk) => {
      if (stream !== 'stdout') return;
      for (const text of splitter.push(Buffer.from(chunk))) lines.push({ text, ms: performance.now() });
    },
  });
  return lines;
}
