import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Host } from '../../src/vm/base/host.ts';
import type { Machine } from '../../src/vm/machine.ts';
import { loadMemory, saveMemory } from '../../src/vm/memory-image.ts';
import type { ImageCompression } from '../../src/vm/memory-image.ts';
import type { LinkSpec, MachineSpec } from '../../src/vm/base/spec.ts';
import { startMachine } from '../../src/vm/start.ts';
import { startVdeSwitch } from '../../src/vm/network/vde.ts';
import { QEMU, describeWith, emulatingHost } from '../support/qemu.ts';
import { countingGuest, diskOf, numberOf } from './guests.ts';
import { temporaryDirectory, tinyMachine } from './support.ts';

const PLAIN: ImageCompression = { kind: 'none' };
const DIRECT: LinkSpec = { kind: 'direct', smbdCommand: ['/bin/true'], sshPort: 'any' };

interface Setting {
  readonly directory: string;
  readonly host: Host;
  readonly spec: (backing: 'shared' | 'copy' | 'private', more?: Partial<MachineSpec>, link?: LinkSpec) => MachineSpec;
  readonly image: string;
}

async function setting(): Promise<Setting> {
  const directory = temporaryDirectory();
  const disk = diskOf(directory, countingGuest());
  return {
    directory,
    host: await emulatingHost(),
    image: join(directory, 'image'),
    spec: (kind, more = {}, link = DIRECT) =>
      tinyMachine(disk, {
        memory: {
          sizeMiB: 16,
          backing:
            kind === 'private' ? { kind } : { kind: 'file', path: join(directory, 'ram'), isShared: kind === 'shared' },
        },
        nics: [{ id: 'nic0', model: 'e1000', mac: '52:54:00:12:01:01', link }],
        ...more,
      }),
  };
}

/** Reads numbers from a counting machine, until one is at least this. */
async function countTo(machine: Machine, least: number): Promise<number[]> {
  const numbers: number[] = [];
  for await (const line of machine.console()) {
    if (/^[A-P]{4}$/.test(line)) numbers.push(numberOf(line));
    if ((numbers.at(-1) ?? 0) >= least) break;
  }
  return numbers;
}

/** Starts a counting machine, saves it while it counts, and returns the last number that it printed. */
async function saved(
  { spec, host, directory, image }: Setting,
  backing: 'shared' | 'private',
  compression: ImageCompression,
  link?: LinkSpec,
): Promise<number> {
  await using machine = await startMachine(spec(backing, {}, link), host, { directory });
  await countTo(machine, 20);
  const { sizeBytes, sha256, durationMs } = await saveMemory(machine, { path: image, compression, timeoutMs: 20_000 });
  expect(sizeBytes).toBe(readFileSync(image).length);
  expect(sha256).toMatch(/^[0-9a-f]{64}$/);
  expect(durationMs).toBeGreaterThan(0);
  expect(await machine.quit()).toEqual({ reason: 'host-quit' });
  const lines: string[] = [];
  for await (const line of machine.console()) lines.push(line);
  return numberOf(lines.filter((line) => /^[A-P]{4}$/.test(line)).at(-1) ?? '');
}

/** Returns the numbers with which a machine can continue. One that was stopped within a line prints the rest of it
 *  first, which is not a number. */
function nextOf(last: number): number[] {
  return [last + 1, last + 2];
}

async function revived(
  { spec, host, directory, image }: Setting,
  more: Partial<MachineSpec>,
  options: { backing: 'copy' | 'private'; compression: ImageCompression; link?: LinkSpec },
): Promise<Machine> {
  const machine = await startMachine(spec(options.backing, { start: 'incoming', ...more }, options.link), host, {
    directory,
  });
  await loadMemory(machine, { path: image, compression: options.compression, timeoutMs: 20_000 });
  await machine.command('cont');
  return machine;
}

describeWith([QEMU, 'zstd', 'vde_switch'], 'a memory image', () => {
  test('with RAM in a file: revived machines continue where the first stopped, isolated from each other', async () => {
    const place = await setting();
    const last = await saved(place, 'shared', PLAIN);
    const ram = readFileSync(join(place.directory, 'ram'));
    const how = { backing: 'copy', compression: PLAIN } as const;
    await using one = await revived(place, { name: 'one' }, how);
    await using two = await revived(place, { name: 'two' }, how);
    const [first, second] = await Promise.all([countTo(one, last + 5), countTo(two, last + 5)]);
    for (const numbers of [first, second]) {
      const [start = 0] = numbers;
      expect(nextOf(last)).toContain(start);
      expect(numbers).toEqual(numbers.map((_, i) => start + i));
    }
    expect(ram.equals(readFileSync(join(place.directory, 'ram')))).toBe(true);
    expect(readdirSync(place.directory).filter((name) => /part|migration/.test(name))).toEqual([]);
  });

  test.each([
    ['plain', false],
    ['zstd', true],
  ])('with RAM in the image, %s', async (_name, isPacked) => {
    const place = await setting();
    const { zstd = '' } = place.host.tools;
    const compression: ImageCompression = isPacked ? { kind: 'zstd', zstd } : PLAIN;
    const last = await saved(place, 'private', compression);
    await using machine = await revived(place, {}, { backing: 'private', compression });
    expect(nextOf(last)).toContain((await countTo(machine, last + 1))[0]);
  });

  test('does not depend on the network link', async () => {
    const place = await setting();
    await using vde = await startVdeSwitch(place.host, { directory: place.directory });
    const links: LinkSpec[] = [
      DIRECT,
      { kind: 'vde', directory: vde.directory },
      { kind: 'stream', path: join(place.directory, 'net'), isServer: true },
      { kind: 'none' },
    ];
    for (const before of links) {
      const last = await saved(place, 'shared', PLAIN, before);
      for (const after of links) {
        await using machine = await revived(place, {}, { backing: 'copy', compression: PLAIN, link: after });
        const numbers = await countTo(machine, last + 1);
        expect(nextOf(last), `${before.kind} to ${after.kind}`).toContain(numbers[0]);
      }
    }
  }, 60_000);

  test('is resumed while the network link is not listening yet', async () => {
    const place = await setting();
    const last = await saved(place, 'shared', PLAIN);
    // QEMU listens in a thread of its own. Here it cannot, so that it never becomes ready.
    const link: LinkSpec = { kind: 'stream', path: join(place.directory, 'none/net'), isServer: true };
    await using machine = await revived(place, {}, { backing: 'copy', compression: PLAIN, link });
    expect(nextOf(last)).toContain((await countTo(machine, last + 1))[0]);
  });

  test.each([
    ['cut short', (image: string) => truncateSync(image, 2000)],
    ['changed', (image: string) => writeFileSync(image, Buffer.alloc(20_000, 'x'))],
  ])('that is %s is rejected with the message of QEMU', async (_name, damage) => {
    const place = await setting();
    await saved(place, 'shared', PLAIN);
    damage(place.image);
    await expect(revived(place, {}, { backing: 'copy', compression: PLAIN })).rejects.toMatchObject({
      code: 'vm',
      message: expect.stringMatching(
        /died \(exit code 1\): .*(Invalid argument|Input\/output error|Not a migration stream)/,
      ) as string,
    });
  });

  test('of another machine is rejected', async () => {
    const place = await setting();
    await saved(place, 'shared', PLAIN);
    await expect(
      revived(place, { hasPanicDevice: true, nics: [] }, { backing: 'copy', compression: PLAIN }),
    ).rejects.toMatchObject({ code: 'vm', message: expect.stringContaining('died (exit code 1)') as string });
    await expect(
      revived(place, { machineType: 'pc-i440fx-99.9' }, { backing: 'copy', compression: PLAIN }),
    ).rejects.toMatchObject({ code: 'vm', message: expect.stringContaining('no machine type') as string });
  });

  test('that is aborted or cannot be written leaves no files', async () => {
    const place = await setting();
    await using machine = await startMachine(place.spec('private'), place.host, { directory: place.directory });
    await countTo(machine, 3);
    await expect(
      saveMemory(machine, {
        path: place.image,
        compression: PLAIN,
        timeoutMs: 20_000,
        signal: AbortSignal.abort(new Error('no more')),
      }),
    ).rejects.toThrow('no more');
    await expect(
      saveMemory(machine, { path: join(place.directory, 'none/image'), compression: PLAIN, timeoutMs: 20_000 }),
    ).rejects.toMatchObject({ code: 'vm', cause: { code: 'ENOENT' } });
    expect(existsSync(place.image)).toBe(false);
    expect(readdirSync(place.directory).filter((name) => /part|migration/.test(name))).toEqual([]);
  });

  test('that does not fit on the disk is reported as such', async ({ skip }) => {
    const place = await setting();
    const small = join(place.directory, 'small');
    mkdirSync(small);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=128k', 'tmpfs', small], { stdio: 'ignore' });
    } catch {
      skip('mounting is not allowed here');
    }
    onTestFinished(() => void execFileSync('umount', [small]));
    await using machine = await startMachine(place.spec('private'), place.host, { directory: place.directory });
    await countTo(machine, 3);
    await expect(
      saveMemory(machine, { path: join(small, 'image'), compression: PLAIN, timeoutMs: 20_000 }),
    ).rejects.toMatchObject({
      code: 'vm',
      message: expect.stringContaining('the disk is full') as string,
      cause: { code: 'ENOSPC' },
    });
    expect(readdirSync(small)).toEqual([]);
    // The machine is still stopped and can be saved again.
    const { sizeBytes } = await saveMemory(machine, { path: place.image, compression: PLAIN, timeoutMs: 20_000 });
    expect(sizeBytes).toBeGreaterThan(10_000);
  });
});
