import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { freePort, isPortTaken } from '../../src/vm/network/port.ts';
import { startVdeSwitch } from '../../src/vm/network/vde.ts';
import { runTool, startChild } from '../../src/vm/process.ts';
import { makeRunDirectory } from '../../src/vm/run-directory.ts';
import { describeWith, emulatingHost, QEMU } from '../support/qemu.ts';
import { runs, temporaryDirectory, until } from './support.ts';

const node = (code: string): string[] => [process.execPath, '-e', code];
const setpriv = existsSync('/usr/bin/setpriv') ? '/usr/bin/setpriv' : undefined;

describe.each([
  ['with setpriv', setpriv],
  ['without setpriv', undefined],
])('a child %s', (_name, setprivPath) => {
  const options = { setpriv: setprivPath };

  test('gives its output, and its last words when it fails', async () => {
    expect(await runTool(node('console.log(1 + 1)'), { ...options, timeoutMs: 10_000 })).toBe('2\n');
    const failing = runTool(
      node("for (let i = 0; i < 50; i++) console.error('line', i); console.error('\\x1b[31mlast'); process.exit(7)"),
      { ...options, timeoutMs: 10_000 },
    );
    await expect(failing).rejects.toMatchObject({
      code: 'vm',
      message: expect.stringMatching(/failed \(exit code 7\): line 48; line 49; \[31mlast$/) as string,
      details: { exit: 7, signal: null },
    });
    const { details } = (await failing.catch((error: unknown) => error)) as { details: { stderrTail: string[] } };
    expect(details.stderrTail).toHaveLength(20);
  });

  test('is killed when it takes too long, says too much, or is not wanted any more', async () => {
    await expect(runTool(node('setInterval(() => {}, 1000)'), { ...options, timeoutMs: 100 })).rejects.toMatchObject({
      message: expect.stringContaining('took longer than 100 ms') as string,
    });
    await expect(
      runTool(node("setInterval(() => process.stdout.write('x'.repeat(1000)), 1)"), {
        ...options,
        timeoutMs: 10_000,
        longestOutputBytes: 5000,
      }),
    ).rejects.toMatchObject({ message: expect.stringContaining('more than 5000 bytes') as string });
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('enough')), 100);
    await expect(
      runTool(node('setInterval(() => {}, 1000)'), { ...options, timeoutMs: 10_000, signal: controller.signal }),
    ).rejects.toThrow('enough');
    await expect(
      runTool(node(''), { ...options, timeoutMs: 10_000, signal: AbortSignal.abort(new Error('never')) }),
    ).rejects.toThrow('never');
  });

  test('takes its own children along', async () => {
    const directory = temporaryDirectory();
    const file = join(directory, 'pid');
    const code = `const { spawn } = require('node:child_process'); const c = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']); require('node:fs').writeFileSync(${JSON.stringify(file)}, String(c.pid)); setInterval(() => {}, 1000);`;
    let pid = 0;
    {
      await using child = await startChild(node(code), options);
      await until(() => existsSync(file) && readFileSync(file, 'utf8') !== '');
      pid = Number(readFileSync(file, 'utf8'));
      expect(runs(pid) && runs(child.pid)).toBe(true);
    }
    await until(() => !runs(pid));
  });

  test('that is not there is told of', async () => {
    const start = runTool(['/nowhere/program', 'x y'], { ...options, timeoutMs: 1000 });
    await expect(start).rejects.toMatchObject({
      code: 'vm',
      message: expect.stringContaining('/nowhere/program') as string,
      details: { command: "/nowhere/program 'x y'" },
    });
  });

  test('whose output somebody else keeps open is over all the same', async () => {
    const code = "require('node:child_process').spawn('sleep', ['20'], { stdio: 'inherit', detached: true }).unref()";
    await runTool(node(code), { ...options, timeoutMs: 2500 });
  });
});

test('a run directory is short, private and goes', async () => {
  let path = '';
  {
    await using directory = await makeRunDirectory();
    path = directory.path;
    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(path.length).toBeLessThan(60);
  }
  expect(existsSync(path)).toBe(false);
});

test('a port is free until somebody has it', async () => {
  const port = await freePort();
  expect(await isPortTaken(port)).toBe(false);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  expect(await isPortTaken(port)).toBe(true);
});

describeWith([QEMU, 'vde_switch'], 'a switch', () => {
  test('answers from the start, is private, and leaves nothing', async () => {
    const directory = temporaryDirectory();
    const host = await emulatingHost();
    let pid = 0;
    for (let i = 0; i < 2; i++) {
      await using vde = await startVdeSwitch(host, { directory });
      pid = vde.pid;
      expect(statSync(vde.directory).mode & 0o777).toBe(0o700);
      expect(runs(pid)).toBe(true);
    }
    expect(existsSync(join(directory, 'vde.ctl')) || runs(pid)).toBe(false);
  });

  test('that dies is told of at once', async () => {
    const directory = temporaryDirectory();
    await using vde = await startVdeSwitch(await emulatingHost(), { directory });
    process.kill(vde.pid, 'SIGKILL');
    await expect(vde.died).rejects.toMatchObject({ code: 'vm', message: 'the switch died (signal SIGKILL)' });
  });

  test('is not had where sockets do not fit, nor without the program', async () => {
    const host = await emulatingHost();
    const directory = temporaryDirectory();
    await expect(startVdeSwitch(host, { directory: join(directory, 'x'.repeat(100)) })).rejects.toMatchObject({
      message: expect.stringContaining('too long') as string,
    });
    await expect(
      startVdeSwitch({ ...host, tools: { ...host.tools, vde_switch: undefined } }, { directory }),
    ).rejects.toMatchObject({ message: '`vde_switch` is not installed' });
  });
});
