import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Event } from '../../src/events.ts';
import { parseMarker } from '../../src/guest/console-markers.ts';
import type { InstallProgress } from '../../src/guest/install-progress.ts';
import { WINDOWS_PROGRESS } from '../../src/guest/windows/progress.ts';
import type { Watched, WatchLimits } from '../../src/stages/watch.ts';
import { watchInstall } from '../../src/stages/watch.ts';
import { startMachine } from '../../src/vm/start.ts';
import { QEMU, describeWith, emulatingHost } from '../support/qemu.ts';
import { diskOf, echoingGuest, talkingGuest } from '../vm/guests.ts';
import { temporaryDirectory, tinyMachine } from '../vm/support.ts';

const PROGRESS: InstallProgress = {
  phases: [
    { name: 'first', timeoutMs: 60_000, hint: 'look at the first phase' },
    { name: 'second', timeoutMs: 60_000, hint: 'look at the second phase' },
  ],
  stallTimeoutMs: 60_000,
  restarts: { max: 2, hint: 'look at the processor' },
  reactTo: () => ({}),
};

interface Install {
  readonly progress?: Partial<InstallProgress>;
  readonly limits?: Partial<WatchLimits>;
}

/** Watches a guest. Returns the result or the error, and what was reported. */
async function watch(
  guest: Buffer,
  { progress, limits }: Install = {},
): Promise<{ watched?: Watched; error?: Error & { hint?: string }; events: Event[]; screen: string }> {
  const directory = temporaryDirectory();
  const screen = join(directory, 'screen.png');
  const events: Event[] = [];
  const spec = tinyMachine(diskOf(directory, guest), { onReset: 'reset', graphics: { kind: 'vga' } });
  await using machine = await startMachine(spec, await emulatingHost(), { directory });
  try {
    const watched = await watchInstall(machine, {
      guest: { parseMarker },
      progress: { ...PROGRESS, ...progress },
      limits: { screenIntervalMs: 500, ...limits },
      isEmulated: false,
      screen,
      report: (event) => events.push(event),
      signal: new AbortController().signal,
    });
    return { watched, events, screen };
  } catch (error) {
    return { error: error as Error & { hint?: string }, events, screen };
  }
}

describeWith([QEMU], 'watching an installation', () => {
  test('a guest that powers off: the phase, the markers and the last line', async () => {
    const { watched, events } = await watch(
      talkingGuest('@cygstrap stage second\r\n@cygstrap stage copy 1/2\r\n', 'power off'),
    );
    expect(watched).toMatchObject({ step: 'copy', phase: { name: 'second' }, exit: { reason: 'guest-shutdown' } });
    expect(events).toMatchObject([
      { kind: 'stage-step', text: 'second' },
      { kind: 'stage-step', text: 'copy', step: { number: 1, of: 2 } },
    ]);
  });

  test('a warning of the guest is reported', async () => {
    const { watched, events } = await watch(talkingGuest('@cygstrap warning no password\r\n', 'power off'));
    expect(watched?.exit).toMatchObject({ reason: 'guest-shutdown' });
    expect(events).toEqual([{ kind: 'warning', message: 'the guest reports: no password' }]);
  });

  test('a phase whose marker follows another sign of its start is reported once', async () => {
    const { events } = await watch(talkingGuest('Booting\r\n@cygstrap stage second\r\n', 'power off'), {
      progress: {
        reactTo: ({ event }) => (event.kind === 'line' && event.text === 'Booting' ? { phase: 'second' } : {}),
      },
    });
    expect(events).toMatchObject([{ kind: 'stage-step', text: 'second' }]);
  });

  test('a guest that restarts again and again', async () => {
    const { error, events, screen } = await watch(talkingGuest('logo\r\n', 'reset'));
    expect(error?.message).toMatch(/^the installation failed in step `first`: the guest restarted 3 times within /);
    expect(error?.message).toMatch(/ within \d+ minutes?; the last line of its console: logo$/);
    expect(error?.hint).toMatch(
      /^look at the processor; see step `first` in its console log `.*` and its last screen `.*screen\.png`; `cygstrap vm evidence` packs them$/,
    );
    expect(existsSync(screen)).toBe(true);
    expect(events.map((event) => 'message' in event && event.message)).toEqual(
      [1, 2, 3].map((n) => `the guest restarted in step \`first\`: restart ${n}`),
    );
  });

  test('a step that takes too long', async () => {
    const { error } = await watch(talkingGuest('@cygstrap stage second\r\n', 'hang'), {
      limits: { stepTimeoutMs: 1500 },
    });
    expect(error?.message).toBe(
      'the installation hangs: step `second` takes longer than 2 s; ' +
        'the last line of its console: @cygstrap stage second',
    );
    expect(error?.hint).toMatch(
      /^look at the second phase; see step `second` in .*screen\.png`, or .*`--step-timeout`; /,
    );
  });

  test('a screen that does not change', async () => {
    const { error } = await watch(echoingGuest('Which keyboard?'), { limits: { stallTimeoutMs: 2500 } });
    expect(error?.message).toBe(
      'the installation waits for an answer or hangs: in step `first` there is no write to a disk ' +
        'for 3 s, and the screen does not change; the last line of its console: Which keyboard?',
    );
    expect(error?.hint).toMatch(/^look at the first phase; see step .*screen\.png`, or .*`--stall-timeout`; /);
  });

  test('a boot loader that ends is started anew, a few times', async () => {
    const dvd = 'Boot0001 "UEFI DVD-ROM"';
    const text = `BdsDxe: starting ${dvd}\r\nBdsDxe: failed to start ${dvd}\r\n`;
    const { error, events } = await watch(talkingGuest(text, 'hang'), { progress: WINDOWS_PROGRESS });
    expect(error?.message).toMatch(/`firmware`: the boot loader of the ISO ended in 4 starts: no key /);
    expect(events.map((event) => 'message' in event && event.message)).toEqual(
      [2, 3, 4].map(
        (n) =>
          'the boot loader of the ISO ended: no key arrived at its prompt in time; ' +
          `the machine is reset, start ${n} of 4`,
      ),
    );
  });

  test('of several signs that end the installation the first is reported, with its line', async () => {
    const first = 'BdsDxe: failed to load Boot0001 "UEFI DVD-ROM"';
    const { error } = await watch(talkingGuest(`${first}\r\nUEFI Interactive Shell\r\n`, 'hang'), {
      progress: WINDOWS_PROGRESS,
    });
    expect(error?.message).toMatch(/`firmware`: the firmware found nothing to start; the last line of its console: /);
    expect(error?.message.endsWith(first), error?.message).toBe(true);
  });

  test('a sign that ends the installation', async () => {
    const { error } = await watch(talkingGuest('BdsDxe: No bootable option or device was found.\r\n', 'hang'), {
      progress: WINDOWS_PROGRESS,
    });
    expect(error?.message).toMatch(
      /^the installation failed in step `firmware`: the firmware found nothing to start; /,
    );
    expect(error?.hint).toMatch(/^check with `cygstrap media inspect` .*; see step `firmware` in its console log/);
  });

  test('the keys of a prompt without line end arrive in the guest; then the next phase starts', async () => {
    const keys = { key: 'a', intervalMs: 100, durationMs: 300, emulatedDurationMs: 300 };
    const { error, events } = await watch(echoingGuest('Press any key'), {
      progress: {
        reactTo: ({ event, phase }) => {
          if (event.kind === 'keys-pressed') return { phase: 'second' };
          return event.kind === 'line' && event.text.includes('Press any key') && phase === 'first' ? { keys } : {};
        },
      },
      limits: { stallTimeoutMs: 2500 },
    });
    expect(error?.message).toMatch(/in step `second` .*: Press any keyaaa$/);
    expect(events).toMatchObject([{ kind: 'stage-step', text: 'second' }]);
  });

  test('no key is pressed after a marker of Setup', async () => {
    const { error } = await watch(echoingGuest('Booting from DVD/CD\n@cygstrap stage logon\n'), {
      progress: {
        ...WINDOWS_PROGRESS,
        reactTo(sign) {
          const reaction = WINDOWS_PROGRESS.reactTo(sign);
          return typeof reaction.keys === 'object' ? { keys: { ...reaction.keys, key: 'a' } } : reaction;
        },
      },
      limits: { stallTimeoutMs: 2500 },
    });
    expect(error?.message).toMatch(/in step `logon` .*: @cygstrap stage logon$/);
  });
});
