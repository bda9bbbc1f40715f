import { execFile } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';

const MAIN = pathToFileURL('dist/cli/main.js').href;

interface End {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `runProcess` in a process of its own, with a command made of this source text. */
async function processWith(command: string): Promise<End> {
  const script = `import { runProcess } from '${MAIN}'; await runProcess(process, ${command});`;
  return new Promise((resolve) => {
    const child = execFile(process.execPath, ['--input-type=module', '--eval', script], (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

test('a command that waits for nothing is reported as a bug', async () => {
  const { code, stdout, stderr } = await processWith('() => new Promise(() => {})');
  expect(code).toBe(4);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/^error: Error: the command stopped before its end: it waits for nothing/);
  expect(stderr).toContain('hint: this is a bug in cygstrap');
});

test('a command that ends sets the exit code', async () => {
  expect(await processWith('async () => 3')).toEqual({ code: 3, stdout: '', stderr: '' });
});

test('timers and other work of the process are waited for', async () => {
  const command = '() => new Promise((resolve) => setTimeout(() => resolve(0), 20))';
  expect(await processWith(command)).toEqual({ code: 0, stdout: '', stderr: '' });
});

test('an error that nothing catches is reported, and ends the process', async () => {
  const bug = await processWith(
    '() => { setTimeout(() => { throw new Error("lost") }); return new Promise(() => {}) }',
  );
  expect(bug.code).toBe(4);
  expect(bug.stderr).toMatch(/^error: Error: lost\n(.*\n)*hint: this is a bug in cygstrap/);
  const rejected =
    '() => { void Promise.reject(new RangeError("Array buffer allocation failed")); return new Promise(() => {}) }';
  const { code, stderr } = await processWith(rejected);
  expect(code).toBe(3);
  expect(stderr).toMatch(/^error: not enough memory\n/);
});
