import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { findProgram, runProgram, startProgram } from '../../src/io/program.ts';
import { processesOf } from '../stages/support.ts';
import { runs, temporaryDirectory, until } from '../vm/support.ts';

const node = (code: string): string[] => [process.execPath, '-e', code];

describe.each([
  ['with a death signal', true],
  ['without a death signal', false],
])('a program %s', (_name, hasDeathSignal) => {
  const options = { hasDeathSignal };

  test('returns its output; a failure has the last lines of stderr', async () => {
    expect((await runProgram(node('console.log(1 + 1)'), { ...options, timeoutMs: 10_000 })).toString()).toBe('2\n');
    const failing = runProgram(
      node("for (let i = 0; i < 50; i++) console.error('line', i); console.error('\\x1b[31mlast'); process.exit(7)"),
      { ...options, timeoutMs: 10_000 },
    );
    await expect(failing).rejects.toMatchObject({
      code: 'tool',
      message: expect.stringMatching(/failed \(exit code 7\): line 48; line 49; last$/) as string,
      details: { exit: 7, signal: null },
    });
    const { details } = (await failing.catch((error: unknown) => error)) as { details: { stderrTail: string[] } };
    expect(details.stderrTail).toHaveLength(20);
  });

  test('is killed after a timeout, too much output, or an abort', async () => {
    await expect(runProgram(node('setInterval(() => {}, 1000)'), { ...options, timeoutMs: 100 })).rejects.toMatchObject(
      { message: expect.stringContaining('took longer than 100 ms') as string },
    );
    await expect(
      runProgram(node("setInterval(() => process.stdout.write('x'.repeat(1000)), 1)"), {
        ...options,
        timeoutMs: 10_000,
        longestOutputBytes: 5000,
      }),
    ).rejects.toMatchObject({ message: expect.stringContaining('more than 5000 bytes') as string });
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('enough')), 100);
    await expect(
      runProgram(node('setInterval(() => {}, 1000)'), { ...options, timeoutMs: 10_000, signal: controller.signal }),
    ).rejects.toThrow('enough');
    await expect(
      runProgram(node(''), { ...options, timeoutMs: 10_000, signal: AbortSignal.abort(new Error('never')) }),
    ).rejects.toThrow('never');
  });

  test('is killed together with its children', async () => {
    const directory = temporaryDirectory();
    const file = join(directory, 'pid');
    const code = `
      const { spawn } = require('node:child_process');
      const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
      require('node:fs').writeFileSync(${JSON.stringify(file)}, String(child.pid));
      setInterval(() => {}, 1000);`;
    let pid = 0;
    {
      await using child = await startProgram(node(code), options);
      await until(() => existsSync(file) && readFileSync(file, 'utf8') !== '');
      pid = Number(readFileSync(file, 'utf8'));
      expect(runs(pid) && runs(child.pid)).toBe(true);
    }
    await until(() => !runs(pid));
  });

  test('that does not exist is an error with the command line', async () => {
    const start = runProgram(['/nowhere/program', 'x y'], { ...options, timeoutMs: 1000 });
    await expect(start).rejects.toMatchObject({
      code: 'tool',
      message: expect.stringContaining('/nowhere/program') as string,
      details: { command: "/nowhere/program 'x y'" },
    });
  });

  test('has ended even if another process keeps its output open', async () => {
    const code = "require('node:child_process').spawn('sleep', ['20'], { stdio: 'inherit', detached: true }).unref()";
    await runProgram(node(code), { ...options, timeoutMs: 2500 });
  });
});

test('stdin and a complete environment are passed on', async () => {
  const code = "process.stdin.on('data', (d) => console.log(String(d), Object.keys(process.env).join()))";
  const environment = { ONLY: '1', PWD: '/' };
  const input = Buffer.from('hello');
  const output = await runProgram(node(code), { timeoutMs: 10_000, input, environment, isEnvironmentComplete: true });
  expect(output.toString()).toBe('hello ONLY,PWD\n');
});

test('a product key in the environment is not passed on', async () => {
  vi.stubEnv('CYGSTRAP_PRODUCT_KEY', 'AAAAA');
  vi.stubEnv('OTHER', '1');
  const code = 'console.log(process.env.CYGSTRAP_PRODUCT_KEY, process.env.OTHER)';
  const output = await runProgram(node(code), { timeoutMs: 10_000 });
  vi.unstubAllEnvs();
  expect(output.toString()).toBe('undefined 1\n');
});

test('findProgram searches PATH and accepts absolute paths', async () => {
  expect(await findProgram(process.execPath)).toBe(process.execPath);
  expect(await findProgram('sh', { PATH: '/bin' })).toBe('/bin/sh');
  expect(await findProgram('no-such-program', { PATH: '/bin' })).toBeUndefined();
  expect(await findProgram('/nowhere/sh', {})).toBeUndefined();
});

test('a program ends when this process is killed at any moment after its start', async () => {
  const directory = temporaryDirectory();
  const mark = join(directory, 'mark');
  writeFileSync(mark, '');
  const module = new URL('../../dist/io/program.js', import.meta.url).href;
  const code = `
    import childProcess from 'node:child_process';
    import { syncBuiltinESMExports } from 'node:module';
    const { startProgram } = await import(${JSON.stringify(module)});
    await startProgram(['true']);
    const { spawn } = childProcess;
    childProcess.spawn = (...args) => {
      spawn(...args);
      process.kill(process.pid, 'SIGKILL');
    };
    syncBuiltinESMExports();
    await startProgram(['tail', '-f', ${JSON.stringify(mark)}]);`;
  for (let i = 0; i < 10; i++)
    expect(spawnSync(process.execPath, ['--input-type=module', '-e', code]).signal).toBe('SIGKILL');
  await until(() => processesOf(mark).length === 0);
});

test('a missing program is reported as such, not as a failed wrapper', async () => {
  await expect(startProgram(['no-such-program'])).rejects.toMatchObject({
    message: 'cannot start `no-such-program`',
    cause: { code: 'ENOENT' },
  });
});
