import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { quoteWord } from '../../src/io/quoting.ts';
import { vmPlaces } from '../../src/stages/layout.ts';
import { runningMachines } from '../../src/stages/running-machines.ts';
import { findOwnNetwork } from '../../src/vm/network/own-network.ts';
import { isPortTaken } from '../../src/vm/network/port.ts';
import { next, open as openPage, originOf, socketTo } from '../serve/view-support.ts';
import { describeWith } from '../support/qemu.ts';
import { Bench, NOTICE, PROGRAMS } from './support.ts';
import type { RunningCommand } from './support.ts';

describeWith(PROGRAMS, 'vm boot', () => {
  let bench: Bench;
  let installed: string;

  beforeAll(async () => {
    bench = await Bench.make();
    const { exit, stderr } = await bench.startMaking(['vm', 'install']).ended;
    expect(exit, stderr).toBe(0);
    installed = digestOfDisk();
  }, 180_000);
  afterAll(() => bench.remove());
  afterEach(() => bench.expectNoTraces());

  const digestOfDisk = (): string =>
    createHash('sha256')
      .update(readFileSync(join(bench.vmDir, 'install', bench.stages().install[0] ?? '', 'disk.qcow2')))
      .digest('hex');

  /** Boots a machine and opens a shell with the printed command line. */
  const boot = async (
    ...options: string[]
  ): Promise<{ command: RunningCommand; sh: (script: string) => string; ssh: string }> => {
    const command = bench.startVm(['vm', 'boot', ...options]);
    await command.says(/^@cygstrap ready$/m);
    const [, ssh = ''] = await command.says(/^note: connect by ssh when it has booted: (.*)$/m);
    const sh = (script: string): string => {
      const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', `${ssh} ${quoteWord(script)}`], {
        encoding: 'utf8',
        timeout: 30_000,
      });
      return status === 0 ? stdout : `${stdout}${stderr}exit ${status}\n`;
    };
    return { command, sh, ssh };
  };

  /** Returns whether ssh runs in a separate network namespace, and whether its port is reachable from this one. */
  const portOf = async (ssh: string): Promise<{ isApart: boolean; isOpen: boolean }> => ({
    isApart: ssh.includes('nsenter'),
    isOpen: await isPortTaken(Number(/ -p (\d+) /.exec(ssh)?.[1])),
  });

  const poweredOff = async (command: RunningCommand): Promise<void> => {
    command.child.kill('SIGTERM');
    const { exit, stdout, stderr } = await command.ended;
    expect(exit, stderr).toBe(0);
    expect(stdout).toContain('@cygstrap ready\n');
    expect(stderr).toMatch(
      new RegExp(
        `^${NOTICE}note: connect by ssh when it has booted: .*\n` +
          'note: shutting the guest down; press Ctrl-C again to end the machine at once\n' +
          'note: the machine ended: guest-shutdown\n$',
      ),
    );
  };

  test('9p shares: rw, ro and overlay; the port of ssh is in a separate network namespace', async () => {
    const places = ['rw', 'ro', 'overlay'].map((access) => join(bench.path, `of ${access}, here`));
    for (const place of places) {
      mkdirSync(place);
      writeFileSync(join(place, 'file'), 'of the host\n');
    }
    const [rw = '', ro = '', overlay = ''] = places;
    const { command, sh, ssh } = await boot(
      '--share',
      `a=${rw}`,
      '--share',
      `b=${ro}:ro`,
      '--share',
      `c-1=${overlay}:overlay`,
    );
    const write = (tag: string): string =>
      sh(
        `cd /mnt/${tag} && cat file && echo mine >>file && echo x >new && rm file && echo y >file && ls ` +
          '&& cat file new',
      );
    expect(write('a')).toBe('of the host\nfile\nnew\ny\nx\n');
    expect(write('b')).toMatch(/^of the host\n.*Read-only file system\n.*exit 1\n$/s);
    expect(write('c-1')).toBe('of the host\nfile\nnew\ny\nx\n');
    expect(
      places.map((place) => readdirSync(place).map((name) => [name, readFileSync(join(place, name), 'utf8')])),
    ).toEqual([
      [
        ['file', 'y\n'],
        ['new', 'x\n'],
      ],
      [['file', 'of the host\n']],
      [['file', 'of the host\n']],
    ]);
    writeFileSync(join(rw, 'file'), 'changed here\n');
    expect(sh('cat /mnt/a/file')).toBe('changed here\n');
    const isApart = (await findOwnNetwork(process.env)) !== undefined;
    expect(await portOf(ssh)).toEqual({ isApart, isOpen: !isApart });
    await poweredOff(command);
  });

  test('writes to the disk are kept in --disk-file, or discarded', async () => {
    const diskFile = join(bench.path, 'mine, kept.qcow2');
    const kept = await boot('--disk-file', diskFile);
    expect(kept.sh('echo kept >/root/mark')).toBe('');
    await poweredOff(kept.command);
    const [again, other] = await Promise.all([boot('--disk-file', diskFile), boot()]);
    const running = await runningMachines(vmPlaces(bench.vmDir));
    const boots = { activity: 'boot', guest: 'stand-in', key: bench.stages().install[0] };
    expect(running).toMatchObject([boots, boots]);
    for (const { vnc, consoleLog } of running) {
      expect(statSync(vnc ?? '').mode & 0o777).toBe(0o600);
      expect(readFileSync(consoleLog, 'latin1')).toContain('@cygstrap ready');
    }
    const view = bench.startVm(['vm', 'view', '--machine', running[1]?.name ?? '']);
    const [url] = await view.says(/^http:.*$/m);
    const { page, cookie } = await openPage(url);
    const screen = await socketTo(`${page}screen`, { cookie, origin: originOf(url) });
    if (typeof screen === 'number') throw new Error(`refused: ${screen}`);
    const [greeting] = (await next(screen, 'message')) as [Buffer];
    expect(greeting.toString()).toBe('RFB 003.008\n');
    screen.terminate();
    expect(again.sh('cat /root/mark')).toBe('kept\n');
    expect(other.sh('test ! -e /root/mark && echo other >/root/mark')).toBe('');
    // Both receive the signal at the same time.
    await Promise.all([poweredOff(again.command), poweredOff(other.command)]);
    expect(digestOfDisk()).toBe(installed);
    expect(await view.ended).toMatchObject({ exit: 0, stderr: `note: machine ${running[1]?.name} has ended\n` });
    expect(await runningMachines(vmPlaces(bench.vmDir))).toEqual([]);
  });

  test('without a response of ssh the power button is pressed', async () => {
    const { command, sh } = await boot();
    expect(sh('cat /proc/uptime >/dev/null && killall sshd')).toMatch(/exit 255\n$/);
    await poweredOff(command);
  });

  test('with --qemu-arg the port is in the network of the host; a second Ctrl-C ends the machine at once', async () => {
    const { command, sh, ssh } = await boot('--qemu-arg=-device', '--qemu-arg=usb-ehci');
    expect(await portOf(ssh)).toEqual({ isApart: false, isOpen: true });
    expect(sh('echo in')).toBe('in\n');
    command.child.kill('SIGINT');
    await command.says(/shutting the guest down/);
    command.child.kill('SIGINT');
    expect(await command.ended).toMatchObject({
      exit: 130,
      stderr: expect.stringMatching(
        /\nerror: interrupted\nhint: what the guest wrote to its disk may be incomplete\n$/,
      ) as string,
    });
  });

  test.each(['src', '=dir', 'a b=dir'])('invalid --share: %j', async (word) => {
    expect(await bench.vm(['vm', 'boot', '--share', word])).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining(`error: --share has a wrong value: \`${word}\`\n`) as string,
    });
  });
});
