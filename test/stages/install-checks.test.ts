import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Event } from '../../src/events.ts';
import type { InstallKit, InstallOptions } from '../../src/guest/kind.ts';
import { WINDOWS_GUESTS } from '../../src/guest/windows/kinds.ts';
import { windowsMachine } from '../../src/guest/windows/machine.ts';
import type { StageContext } from '../../src/stages/context.ts';
import { installStage } from '../../src/stages/install.ts';
import { vmPlaces } from '../../src/stages/layout.ts';
import type { MachineOptions } from '../../src/stages/manifest.ts';
import { WATCH_LIMITS } from '../../src/stages/watch.ts';
import { QEMU, describeWith, emulatingHost } from '../support/qemu.ts';

const seven = WINDOWS_GUESTS.find(({ name }) => name === 'windows-7');
if (seven === undefined) throw new Error('no kind windows-7');

const kit = {
  key: 'k',
  usualDiskMiB: 0,
  progress: {},
  answerFiles: () => new Map(),
  installMachine: ({ disk, repo, answers }: InstallOptions) => ({
    ...windowsMachine('windows-7', disk, { kind: 'none' }),
    cdroms: ['/win.iso', repo, answers].map((path, i) => ({ id: `cd${i}`, path })),
    floppies: [],
    boot: { kind: 'disk-then-cdrom' },
  }),
} as unknown as InstallKit;

/** Installs up to the media, which are never written. Returns the events and the error. */
async function attempt(
  change: { readonly kit?: Partial<InstallKit>; readonly machineOptions?: Partial<MachineOptions> },
  makeMedia: () => never,
): Promise<{ readonly root: string; readonly events: Event[]; readonly error: unknown }> {
  const root = mkdtempSync(join(tmpdir(), 'cyg-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const events: Event[] = [];
  const context = {
    host: await emulatingHost(),
    guest: seven,
    places: vmPlaces(root),
    report: (event: Event) => void events.push(event),
    signal: new AbortController().signal,
  } as unknown as StageContext;
  const options = { ...seven?.defaults, emptyDisksMiB: [], tpm: false, qemuArguments: [] } as unknown as MachineOptions;
  const error: unknown = await installStage(context, {
    kit: { ...kit, ...change.kit },
    ingredients: {
      lock: 'l',
      additions: [],
      machineOptions: { ...options, ...change.machineOptions },
      allowedPostinstallFailures: [],
    },
    archives: [],
    packages: [],
    limits: WATCH_LIMITS,
    makeMedia,
  }).catch((cause: unknown) => cause);
  return { root, events, error };
}

describeWith([QEMU, 'ssh-keygen'], 'before the media of an installation are written', () => {
  test('more drives than IDE has room for are refused: the disk and three CDs fill it', async () => {
    const { root, error } = await attempt({ machineOptions: { emptyDisksMiB: [10] } }, () => expect.fail('written'));
    expect(error).toMatchObject({ code: 'usage', message: 'too many disks and CDs on IDE: 5, at most 4' });
    expect(existsSync(join(root, 'work'))).toBe(false);
  });

  test('a file system that is too small gets a warning', async () => {
    const stop = new Error('stop');
    const { root, events, error } = await attempt({ kit: { usualDiskMiB: 2 ** 40 } }, () => {
      throw stop;
    });
    expect(error).toBe(stop);
    expect(events).toContainEqual({
      kind: 'warning',
      message: expect.stringMatching(
        /^`.*` has \d+ MiB free, and the installed disk usually needs 1099511627776 MiB$/,
      ) as string,
    });
    expect(readdirSync(join(root, 'work'))).toEqual([]);
  });
});
