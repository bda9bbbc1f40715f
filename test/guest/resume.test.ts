import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitForMarker } from '../../src/guest/console.ts';
import { inSequence } from '../../src/guest/kind.ts';
import { userCacheDirectory } from '../../src/io/user-dirs.ts';
import { runCheckedOverSsh, waitForSsh } from '../../src/guest/ssh-run.ts';
import { standIn } from '../../src/guest/stand-in/kind.ts';
import type { Machine } from '../../src/vm/machine.ts';
import { loadMemory, saveMemory } from '../../src/vm/memory-image.ts';
import { startMachine } from '../../src/vm/start.ts';
import { plainMachine, installStandIn, smbdOf, targetOf } from '../support/guest.ts';
import { STAND_IN_PROGRAMS, describeWith, emulatingHost } from '../support/qemu.ts';

const IMAGE = { compression: { kind: 'none' }, timeoutMs: 60_000 } as const;

const YEAR_MS = 365 * 24 * 60 * 60_000;

/** Clock of the guest when it is saved. */
const SAVED_MS = Date.UTC(2030, 0, 1);

describeWith(STAND_IN_PROGRAMS, 'a resumed stand-in', () => {
  let directory: string;
  let image: string;

  /** A machine with shares of its own: the store has one file that tells its name. */
  async function start(name: string, isRevived: boolean): Promise<Machine> {
    const run = join(directory, name);
    const [store, xchg] = [join(run, 'store'), join(run, 'xchg')];
    for (const each of [store, xchg]) await mkdir(each, { recursive: true });
    await writeFile(join(store, 'name'), `${name}\n`);
    const template = standIn.bootMachine({
      disk: { kind: 'file', path: join(image, 'disk.qcow2'), format: 'qcow2', writes: 'throw-away' },
      directory: image,
      link: { kind: 'direct', smbdCommand: await smbdOf(image, { directory: run, store, xchg }), sshPort: 'any' },
    });
    const memory = {
      sizeMiB: 512,
      backing: { kind: 'file', path: join(directory, 'ram'), isShared: !isRevived },
    } as const;
    return startMachine(
      plainMachine(template, { name: 'guest', memory, start: isRevived ? 'incoming' : 'running' }),
      await emulatingHost(),
      { directory: run },
    );
  }

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cyg-'));
    image = join(directory, 'image');
    await installStandIn({
      kit: await standIn.prepare({ cacheDir: userCacheDirectory(process.env) }),
      directory: image,
      nonce: 'n',
      archives: [],
    });
    await using machine = await start('first', false);
    await waitForMarker(machine, 'ready', { timeoutMs: 60_000 });
    const target = targetOf(image, machine.sshPort ?? 0);
    await waitForSsh(target, { timeoutMs: 30_000 });
    // A file that was read a moment ago is in the guest's cache when its memory is saved.
    const { connectShares, storeNumber, setClock } = standIn.commands;
    await runCheckedOverSsh(target, storeNumber('20260101'));
    const commands = [connectShares, setClock(SAVED_MS), 'cat /store/name'];
    expect(await runCheckedOverSsh(target, inSequence(commands))).toBe('first\n');
    await saveMemory(machine, { ...IMAGE, path: join(directory, 'state') });
    await machine.quit();
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  test('has its number, the shares of its run, any earlier or later time, and different random numbers', async () => {
    const draws: string[] = [];
    for (const [name, nowMs] of [
      ['second', SAVED_MS - YEAR_MS],
      ['third', SAVED_MS + YEAR_MS],
    ] as const) {
      await using machine = await start(name, true);
      await loadMemory(machine, { ...IMAGE, path: join(directory, 'state') });
      await machine.command('cont', {});
      const { setClock, connectShares, readNumber, readClock } = standIn.commands;
      const commands = [
        setClock(nowMs),
        connectShares,
        readNumber,
        'cat /store/name',
        'echo x >/xchg/new',
        readClock,
        'head -c 16 /dev/urandom | xxd -p',
      ];
      const [number, store, clock = '', draw = ''] = (
        await runCheckedOverSsh(targetOf(image, machine.sshPort ?? 0), inSequence(commands))
      ).split('\n');
      expect({ number, store }).toEqual({ number: '20260101', store: name });
      expect(Math.abs(Number(clock) - nowMs)).toBeLessThan(10_000);
      draws.push(draw);
    }
    // Nothing was stirred in here: QEMU told each that it is another machine.
    expect(new Set(draws).size).toBe(2);
  });
});
