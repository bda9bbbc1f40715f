import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  statSync,
  statfsSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { findInstalled, findSnapshot } from '../../src/api/vm-find.ts';
import { snapshotVm } from '../../src/api/vm-snapshot.ts';
import { standIn } from '../../src/guest/stand-in/kind.ts';
import { resume } from '../../src/stages/resume.ts';
import { identityOf } from '../../src/io/file-identity.ts';
import { describeWith } from '../support/qemu.ts';
import { Bench, INTERRUPTED, NOTICE, PROGRAMS, machinePid, namesIn, processesOf } from './support.ts';
import type { RunningCommand } from './support.ts';

const SMALL_MIB = 340;
/** Free space for the writes of an idle guest, too small for the state of its devices. */
const LEFT_BYTES = 64 * 1024;

describeWith(PROGRAMS, 'a snapshot that cannot be made, or that was modified', () => {
  let bench: Bench;

  beforeAll(async () => {
    bench = await Bench.make();
    expect(await bench.startMaking(['vm', 'install']).ended).toMatchObject({ exit: 0 });
  });
  afterAll(() => bench.remove());

  const snapshot = (...words: string[]): RunningCommand => bench.startVm(['vm', 'snapshot', '--verbose', ...words]);

  test('QEMU is killed', async () => {
    const command = snapshot();
    process.kill(await machinePid(command, 'guest'), 'SIGKILL');
    const { exit, stderr } = await command.ended;
    expect(exit).toBe(3);
    expect(stderr).toMatch(/^error: QEMU of machine `guest` died \(signal SIGKILL\)/m);
    expect(bench.stages().snapshot).toEqual([]);
    await bench.expectNoTraces();
  });

  test('Ctrl-C', async () => {
    const command = snapshot();
    await command.says(/snapshot: boot/);
    command.child.kill('SIGINT');
    const { exit, stderr } = await command.ended;
    expect(exit).toBe(130);
    expect(stderr.endsWith(INTERRUPTED)).toBe(true);
    expect(bench.stages().snapshot).toEqual([]);
    await bench.expectNoTraces();
  });

  test('the boot exceeds its timeout', async () => {
    const { exit, stderr } = await snapshot('--boot-timeout', '1s').ended;
    expect(exit).toBe(3);
    expect(stderr).toMatch(
      /^error: no message `ready` from machine `guest` within 1000 ms\nhint: see its console log `.*`$/m,
    );
    expect(bench.stages().snapshot).toEqual([]);
    await bench.expectNoTraces();
  });

  describe.skipIf(userInfo().uid !== 0)('the disk is full (skipped: only root can mount a small one)', () => {
    /** Mounts a small file system for all stages during the test. */
    const onSmallDisk = (): string => {
      const own = bench.vmDir;
      const small = join(bench.path, 'small');
      mkdirSync(small, { recursive: true });
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SMALL_MIB}m`, 'tmpfs', small]);
      bench.vmDir = small;
      onTestFinished(() => {
        bench.vmDir = own;
        execFileSync('umount', ['-l', small]);
      });
      cpSync(join(own, 'install'), join(small, 'install'), { recursive: true });
      copyFileSync(join(own, 'host.json'), join(small, 'host.json'));
      return small;
    };
    const fill = (directory: string, leftBytes: number): void => {
      // A booting guest uses some space in the meantime, so the disk is filled twice.
      for (const spareBytes of [leftBytes + 8 * 1024 * 1024, leftBytes]) {
        const { bavail, bsize } = statfsSync(directory);
        try {
          appendFileSync(join(directory, 'filler'), Buffer.alloc(Math.max(0, bavail * bsize - spareBytes)));
        } catch {
          // ENOSPC is the goal.
        }
      }
    };

    test('while the guest boots', async () => {
      const small = onSmallDisk();
      const command = snapshot();
      await command.says(/snapshot: boot/);
      fill(small, 0);
      const { exit, stderr } = await command.ended;
      expect(exit).toBe(3);
      expect(stderr).toMatch(
        /^error: QEMU of machine `guest` died \(signal SIGBUS\)\nhint: the file system of its RAM file is full/m,
      );
      expect(bench.stages().snapshot).toEqual([]);
      await bench.expectNoTraces();
      const again = await snapshot().ended;
      expect(again.stderr).toMatch(
        /^error: not enough disk space for the memory of the machine in `.*`: 256 MiB needed, \d+ MiB free\nhint: free some disk space, or use less memory$/m,
      );
    });

    test.each([
      ['its devices are', false],
      ['its devices and RAM, packed, are', true],
    ])('while %s written', async (_what, isPortable) => {
      const small = onSmallDisk();
      const context = await bench.context(standIn, (event) => {
        if (event.kind === 'stage-step' && event.text === 'save the memory') fill(small, LEFT_BYTES);
      });
      const installed = await findInstalled(undefined, context);
      await expect(snapshotVm({ installed, isPortable }, context)).rejects.toMatchObject({
        code: 'vm',
        message: expect.stringMatching(/^cannot write the memory image `.*state`: the disk is full$/) as string,
        hint: 'free some disk space',
      });
      expect(bench.stages().snapshot).toEqual([]);
      expect(namesIn(join(small, 'work'))).toEqual([]);
      await expect.poll(() => processesOf(small), { timeout: 3000 }).toEqual([]);
    });
  });

  test('the same command succeeds afterwards', async () => {
    const { exit, stdout, stderr } = await snapshot().ended;
    expect(exit, stderr).toBe(0);
    expect(bench.stages().snapshot).toEqual([stdout.trim()]);
    await bench.expectNoTraces();
  });

  const run = (script: string, ...words: string[]): RunningCommand =>
    bench.startVm(['vm', 'run', '--verbose', ...words, '--', 'sh', '-c', script]);
  const file = (name: string): string => join(bench.vmDir, 'snapshot', bench.stages().snapshot[0] ?? '', name);
  /** Changes a file of the snapshot during the test. */
  const changed = (name: string, change: (bytes: Buffer) => Buffer): void => {
    const before = readFileSync(file(name));
    const { atime, mtime } = statSync(file(name));
    const put = (bytes: Buffer): void => {
      execFileSync('chmod', ['u+w', file(name)]);
      writeFileSync(file(name), bytes);
    };
    onTestFinished(() => {
      put(before);
      utimesSync(file(name), atime, mtime);
    });
    put(change(Buffer.from(before)));
  };
  const flipped =
    (offset: number) =>
    (bytes: Buffer): Buffer =>
      bytes.fill(0xa5, offset, offset + 4096);

  describe.each([
    ['state', 2000],
    ['ram', 50_000_000],
    ['disk.qcow2', 65536],
  ])('a damaged file: %s', (name, offset) => {
    test.each([
      ['of another time', false],
      ['of the same size and time', true],
    ])('%s', async (_what, isTimeKept) => {
      const { atime, mtime } = statSync(file(name));
      changed(name, flipped(offset));
      if (isTimeKept) utimesSync(file(name), atime, mtime);
      const { exit, stdout, stderr } = await run('echo wrong').ended;
      expect({ exit, stdout }).toEqual({ exit: 126, stdout: '' });
      const [key = ''] = bench.stages().snapshot;
      expect(stderr).toBe(
        `${NOTICE}error: the snapshot was modified: \`${file(name)}\` is damaged: sha256 mismatch\nhint: ` +
          `remove it with \`cygstrap vm rm ${key}\` and make it again\n`,
      );
      await bench.expectNoTraces();
    });
  });

  test('a file with a new time only is read again and accepted', async () => {
    const note = (): string =>
      readFileSync(join(bench.vmDir, 'integrity', `snapshot-${bench.stages().snapshot[0] ?? ''}.json`), 'utf8');
    const before = note();
    utimesSync(file('ram'), 1, 1);
    expect(await run('echo right').ended).toMatchObject({ exit: 0, stdout: 'right\n' });
    const after = note();
    expect(after).not.toBe(before);
    expect((await run('true').ended).exit).toBe(0);
    expect(note()).toBe(after);
  });

  test('damage without a new time or size is found after a failure of the machine', async () => {
    changed('ram', (bytes) => bytes.fill(0, 0, 64 * 1024 * 1024));
    // The recorded identity hides the change, as when a disk loses data.
    const path = join(bench.vmDir, 'integrity', `snapshot-${bench.stages().snapshot[0] ?? ''}.json`);
    const before = readFileSync(path, 'utf8');
    onTestFinished(() => writeFileSync(path, before));
    writeFileSync(path, JSON.stringify({ ...(JSON.parse(before) as object), ram: await identityOf(file('ram')) }));
    const { exit, stderr } = await run('echo wrong').ended;
    expect(exit).toBe(126);
    expect(stderr).toMatch(
      /^error: the snapshot was modified: `.*ram` is damaged: sha256 mismatch\nhint: remove it with `cygstrap vm rm /m,
    );
    await bench.expectNoTraces();
  });

  test('a state that is too short', async () => {
    changed('state', (bytes) => bytes.subarray(0, 1000));
    expect((await run('true').ended).stderr).toMatch(
      /^error: the snapshot was modified: `.*state` has 1000 bytes instead of \d+$/m,
    );
  });

  test('a snapshot of a different machine is refused', async () => {
    const context = await bench.context({
      ...standIn,
      bootMachine: (options) => ({ ...standIn.bootMachine(options), extraArguments: [] }),
    });
    const snapshot = await findSnapshot(undefined, context);
    const shares = { store: bench.repo, xchg: bench.path };
    await expect(resume(context, { activity: 'run', manifest: snapshot, shares, mayBoot: false })).rejects.toThrow(
      /^the snapshot cannot be resumed on this host: /,
    );
  });

  test('a snapshot of another QEMU: a warning, and the disk is booted', async () => {
    changed('stage.json', (bytes) => Buffer.from(bytes.toString().replace(/"qemu": ".*"/, '"qemu": "1.2.3"')));
    const { exit, stdout, stderr } = await run('cat /proc/uptime >&2; echo cold; exit 4', '--json').ended;
    expect(exit).toBe(4);
    expect(stderr).toMatch(
      /^warning: the snapshot cannot be resumed on this host; its disk is booted instead, which is slower: it was made by QEMU 1\.2\.3, this host has \d/m,
    );
    expect(JSON.parse(stdout)).toMatchObject({ code: 4, isCold: true });
  });
});
