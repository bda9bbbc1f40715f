import { expect, test } from 'vitest';
import { waitUntilQuiet } from '../../src/stages/quiet.ts';
import { startMachine } from '../../src/vm/start.ts';
import { QEMU, describeWith, emulatingHost } from '../support/qemu.ts';
import { diskOf, talkingGuest } from '../vm/guests.ts';
import { temporaryDirectory, tinyMachine } from '../vm/support.ts';

// On a loaded host a busy guest gets a small part of a processor.
const LIMITS = { durationMs: 300, timeoutMs: 600, processorShare: 0.05, diskBytesPerSecond: 1e6 };

describeWith([QEMU], 'the wait for an idle guest', () => {
  test.each([
    ['hang', []],
    [
      'wait for the power button',
      [/^warning the guest does not become idle within 1 s; busy are its processors by \d+ %$/],
    ],
  ])('a guest whose code does: %s', async (ending, warnings) => {
    const directory = temporaryDirectory();
    const spec = tinyMachine(diskOf(directory, talkingGuest('ready\n', ending)));
    await using machine = await startMachine(spec, await emulatingHost(), { directory });
    for await (const line of machine.console()) if (line.endsWith('ready')) break;
    const reports: string[] = [];
    await waitUntilQuiet(machine, {
      limits: LIMITS,
      report: (event) => reports.push(`${event.kind} ${'message' in event ? event.message : ''}`),
      signal: new AbortController().signal,
    });
    expect(reports).toEqual(warnings.map((warning) => expect.stringMatching(warning) as string));
  });

  test('ends with the machine', async () => {
    const directory = temporaryDirectory();
    const spec = tinyMachine(diskOf(directory, talkingGuest('ready\n', 'hang')));
    await using machine = await startMachine(spec, await emulatingHost(), { directory });
    const waiting = waitUntilQuiet(machine, {
      limits: { ...LIMITS, durationMs: 60_000, timeoutMs: 60_000 },
      report: () => {},
      signal: new AbortController().signal,
    });
    process.kill(machine.pid, 'SIGKILL');
    await expect(waiting).rejects.toMatchObject({ code: 'vm', message: expect.stringContaining('SIGKILL') as string });
  });
});
