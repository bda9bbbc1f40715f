import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, writeFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { startMachine } from '../../src/vm/start.ts';
import { QEMU, describeWith, emulatingHost } from '../support/qemu.ts';
import { diskOf, talkingGuest } from './guests.ts';
import { runs, temporaryDirectory, tinyMachine, until } from './support.ts';

describeWith([QEMU], 'a machine', () => {
  test.each([
    ['power off', 'guest-shutdown'],
    ['reset', 'guest-reset'],
    ['panic', 'guest-panic'],
  ])('that does %s ends with %s, after its whole console was read', async (ending, reason) => {
    const directory = temporaryDirectory();
    const disk = diskOf(directory, talkingGuest('hello\r\n\x1b[31mred\x00\xff\nrest', ending));
    await using machine = await startMachine(tinyMachine(disk, { hasPanicDevice: true }), await emulatingHost(), {
      directory,
    });
    const lines: string[] = [];
    for await (const line of machine.console()) lines.push(line);
    expect(lines.slice(-3)).toEqual(['hello', 'red\ufffd', 'rest']);
    expect(await machine.exited).toEqual({ reason });
    expect(readFileSync(machine.files.consoleLog).includes('hello\r\n')).toBe(true);
    // Only the disk and the log remain.
    await until(() => readdirSync(directory).length === 2);
  });

  test('continues after a reset if allowed', async () => {
    const directory = temporaryDirectory();
    await using machine = await startMachine(
      tinyMachine(diskOf(directory, talkingGuest('again\n', 'reset')), { onReset: 'reset' }),
      await emulatingHost(),
      { directory },
    );
    let times = 0;
    for await (const line of machine.console()) if (line.endsWith('again') && ++times === 3) break;
    expect(times).toBe(3);
    expect(await machine.quit()).toEqual({ reason: 'host-quit' });
  });

  test('that is killed is reported with its command line', async () => {
    const directory = temporaryDirectory();
    const disk = diskOf(directory, talkingGuest('up\n', 'hang'), "it's a disk.raw");
    await using machine = await startMachine(tinyMachine(disk), await emulatingHost(), { directory });
    const waiting = machine.unlessEnded(new Promise(() => {}));
    const asked = machine.qmp.waitForEvent(['NEVER']);
    asked.catch(() => {});
    process.kill(machine.pid, 'SIGKILL');
    await expect(waiting).rejects.toMatchObject({
      code: 'vm',
      message: 'QEMU of machine `tiny` died (signal SIGKILL)',
      details: { signal: 'SIGKILL', consoleLog: machine.files.consoleLog },
    });
    await expect(asked).rejects.toMatchObject({ code: 'vm' });
    const exit = await machine.exited;
    expect(exit).toMatchObject({
      reason: 'died',
      error: { details: { command: expect.stringContaining("it'\\''s a disk.raw,format=raw") as string } },
    });
  });

  test('that QEMU rejects fails with its message', async () => {
    const directory = temporaryDirectory();
    const disk = diskOf(directory, talkingGuest('up\n', 'hang'));
    const start = startMachine(
      tinyMachine(disk, { extraArguments: ['-device', 'no-such-thing'] }),
      await emulatingHost(),
      { directory },
    );
    await expect(start).rejects.toMatchObject({
      code: 'vm',
      message: expect.stringContaining("'no-such-thing' is not a valid device model name") as string,
      details: { exit: 1, command: expect.stringContaining('-device no-such-thing') as string },
    });
  });

  test('ends when its signal is aborted, during and after the start', async () => {
    const directory = temporaryDirectory();
    const disk = diskOf(directory, talkingGuest('up\n', 'hang'));
    const host = await emulatingHost();
    const early = new AbortController();
    const starting = startMachine(tinyMachine(disk), host, { directory, signal: early.signal });
    setTimeout(() => early.abort(new Error('too early')), 10);
    await expect(starting).rejects.toThrow('too early');

    const late = new AbortController();
    await using machine = await startMachine(tinyMachine(disk), host, { directory, signal: late.signal });
    late.abort(new Error('enough'));
    expect(await machine.exited).toEqual({ reason: 'host-quit' });
    expect(runs(machine.pid)).toBe(false);
    expect(existsSync(machine.files.qmp)).toBe(false);
  });

  test('ends when it is disposed of', async () => {
    const directory = temporaryDirectory();
    const disk = diskOf(directory, talkingGuest('up\n', 'hang'));
    let pid = 0;
    {
      await using machine = await startMachine(tinyMachine(disk), await emulatingHost(), { directory });
      pid = machine.pid;
      expect(runs(pid)).toBe(true);
    }
    expect(runs(pid)).toBe(false);
  });

  test('powers off by its button, or the wait times out', async () => {
    const directory = temporaryDirectory();
    const host = await emulatingHost();
    await using good = await startMachine(
      tinyMachine(diskOf(directory, talkingGuest('ready\n', 'wait for the power button')), { name: 'good' }),
      host,
      { directory },
    );
    for await (const line of good.console()) if (line.endsWith('ready')) break;
    expect(await good.powerdown({ timeoutMs: 5000 })).toEqual({ reason: 'guest-shutdown' });
    await using deaf = await startMachine(
      tinyMachine(diskOf(directory, talkingGuest('ready\n', 'hang')), { name: 'deaf' }),
      host,
      { directory },
    );
    await expect(deaf.powerdown({ timeoutMs: 100 })).rejects.toMatchObject({
      code: 'vm',
      message: expect.stringContaining('did not power off within 100 ms') as string,
    });
    await expect(deaf.powerdown({ timeoutMs: 10_000, signal: AbortSignal.timeout(50) })).rejects.toMatchObject({
      name: 'TimeoutError',
    });
  });

  test('ended by a signal counts as died', async () => {
    const directory = temporaryDirectory();
    await using machine = await startMachine(
      tinyMachine(diskOf(directory, talkingGuest('up\n', 'hang'))),
      await emulatingHost(),
      { directory },
    );
    process.kill(machine.pid, 'SIGTERM');
    expect(await machine.exited).toMatchObject({
      reason: 'died',
      error: { message: 'machine `tiny` was ended by a signal', details: { exit: 0 } },
    });
  });

  test('is the only one of its name in a directory; files of a dead one are replaced', async () => {
    const directory = temporaryDirectory();
    const host = await emulatingHost();
    const spec = tinyMachine(diskOf(directory, talkingGuest('up\n', 'hang')));
    const dead = spawn(process.execPath, [
      '-e',
      `require('node:net').createServer().listen(${JSON.stringify(join(directory, 'tiny.qmp'))})`,
    ]);
    await until(() => existsSync(join(directory, 'tiny.qmp')));
    dead.kill('SIGKILL');
    await until(() => dead.signalCode !== null);
    expect(existsSync(join(directory, 'tiny.qmp'))).toBe(true);
    await using machine = await startMachine(spec, host, { directory });
    await expect(startMachine(spec, host, { directory })).rejects.toMatchObject({
      code: 'vm',
      message: `machine \`tiny\` is already running in \`${directory}\``,
    });
    expect(runs(machine.pid)).toBe(true);
  });

  test('makes screenshots if it has a screen', async () => {
    const directory = temporaryDirectory();
    const host = await emulatingHost();
    const disk = diskOf(directory, talkingGuest('up\n', 'hang'));
    await using seen = await startMachine(tinyMachine(disk, { name: 'seen', graphics: { kind: 'vga' } }), host, {
      directory,
    });
    for await (const line of seen.console()) if (line.endsWith('up')) break;
    expect(statSync(seen.files.vnc).mode & 0o777).toBe(0o600);
    const path = join(directory, 'screen.png');
    await seen.screenshot(path);
    const png = readFileSync(path);
    expect([png.toString('latin1', 1, 4), png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual(['PNG', 720, 400]);
    await using blind = await startMachine(tinyMachine(disk, { name: 'blind' }), host, { directory });
    await expect(blind.screenshot(path)).rejects.toMatchObject({
      code: 'vm',
      message: 'machine `blind` has no screen',
    });
  });

  test('ends with the process that started it', async ({ skip }) => {
    const host = await emulatingHost();
    if (host.tools.setpriv === undefined) skip('there is no setpriv');
    for (const signal of ['SIGKILL', 'SIGINT'] as const) {
      const directory = temporaryDirectory();
      const disk = diskOf(directory, talkingGuest('up\n', 'hang'));
      writeFileSync(join(directory, 'job.json'), JSON.stringify({ spec: tinyMachine(disk), host, directory }));
      const parent = spawn(
        process.execPath,
        [fileURLToPath(new URL('child.mjs', import.meta.url)), join(directory, 'job.json')],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      const pid = await new Promise<number>((resolve) =>
        parent.stdout.on('data', (chunk: Buffer) => resolve(Number(chunk.toString()))),
      );
      expect(runs(pid)).toBe(true);
      parent.kill(signal);
      await until(() => !runs(pid));
    }
  });
});
