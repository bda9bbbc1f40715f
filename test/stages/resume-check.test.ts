import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { GuestCommands } from '../../src/guest/kind.ts';
import type { RunCommand } from '../../src/guest/ssh-run.ts';
import { standIn } from '../../src/guest/stand-in/kind.ts';
import { checkResumed } from '../../src/stages/resume-check.ts';
import { temporaryDirectory } from '../vm/support.ts';

/** Runs command lines of a guest with the shell of this computer. */
const run: RunCommand = async (command, { onOutput }) => {
  const child = spawn('bash', ['-c', command], { stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].on('data', (chunk: Buffer) => void onOutput(stream, chunk));
  return new Promise((resolve) => child.on('close', resolve));
};

/** Checks a "guest" that is this computer, with a clock that is an offset in a file, and returns the warnings. */
async function check(changed: (commands: GuestCommands, directory: string) => Partial<GuestCommands>) {
  const directory = temporaryDirectory();
  const shares = { store: join(directory, 'store'), xchg: join(directory, 'xchg') };
  Object.values(shares).forEach((path) => mkdirSync(path));
  const now = '$((${EPOCHREALTIME/[.,]/} / 1000))';
  const commands: GuestCommands = {
    ...standIn.commands,
    connectShares: 'true',
    readNumber: 'echo 4711',
    setClock: (epochMs) => `echo $((${epochMs} - ${now})) >${directory}/offset`,
    readClock: `echo $((${now} + $(cat ${directory}/offset)))`,
  };
  const guest = { ...standIn, shares, commands: { ...commands, ...changed(commands, directory) } };
  const warnings: string[] = [];
  await checkResumed({
    guest,
    run,
    shares,
    number: '4711',
    clockMs: 300,
    report: (event) => 'message' in event && warnings.push(event.message),
    signal: new AbortController().signal,
  });
  return warnings;
}

test('a good resumed machine', async () => {
  expect(await check(() => ({}))).toEqual([]);
});

test('a login that does not reach the shares by itself is a warning', async () => {
  expect(await check(() => ({ reachShares: 'exit 0' }))).toEqual([]);
  expect(await check(() => ({ reachShares: 'exit 1' }))).toEqual([
    'a login to the guest does not reach its shares: each connection connects them again, which is slower',
  ]);
});

test('a clock that is slow after the resume is a warning', async () => {
  const slow = (_: GuestCommands, directory: string): Partial<GuestCommands> => ({
    setClock: (epochMs) => `echo ${epochMs} $((\${EPOCHREALTIME/[.,]/} / 1000)) >${directory}/clock`,
    readClock: `read set at <${directory}/clock; echo $((set + (\${EPOCHREALTIME/[.,]/} / 1000 - at) / 18))`,
  });
  expect(await check(slow)).toEqual([
    expect.stringMatching(/^the clock of the resumed machine runs at [567] % of the speed of this computer: .*QPC/),
  ]);
});

test.each([
  ['its memory is that of another machine', { readNumber: 'echo 4712' }, 'has lost the number in its RAM'],
  ['a share is not connected', { connectShares: 'false' }, 'failed with exit code 1'],
  [
    'a share has old content',
    { readNumber: 'echo 4711; cp() { echo old >"$2"; }' },
    'copied a file from `store` to `xchg`, but its content differs',
  ],
  [
    'the clock stays',
    { setClock: () => 'true', readClock: 'echo 86400000' },
    'clock of the resumed machine cannot be set',
  ],
  ['the clock is no number', { setClock: () => 'true', readClock: 'echo x' }, 'cannot be set: it prints x'],
])('%s', async (_, changed: Partial<GuestCommands>, message) => {
  await expect(check(() => changed)).rejects.toMatchObject({
    code: 'guest',
    message: expect.stringContaining(message) as string,
  });
});
