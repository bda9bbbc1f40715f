import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve as resolvePath } from 'node:path';
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

/** Runs the program itself. */
async function program(args: readonly string[]): Promise<End> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

test('-C DIR: the command runs in that directory', async () => {
  const search = ['search', 'libintl8', '--index', 'demo/setup.ini'];
  const { code, stdout } = await program(['bin/cygstrap.js', '-C', 'fixtures', ...search]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^libintl8/);
  expect(await program(['bin/cygstrap.js', '-C', 'fixtures/nowhere', ...search])).toEqual({
    code: 2,
    stdout: '',
    stderr: 'error: cannot change to directory `fixtures/nowhere`: ENOENT\nhint: run `cygstrap --help`\n',
  });
});

test('the project file of a directory above counts', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'project-'));
  try {
    writeFileSync(join(directory, 'cygstrap.json'), '{ "packages": ["libintl8"], "base": false }');
    mkdirSync(join(directory, 'a/b'), { recursive: true });
    const index = resolvePath('fixtures/demo/setup.ini');
    const args = ['-C', join(directory, 'a/b'), 'resolve', '--format', 'urls', '--index', index];
    expect(await program([resolvePath('bin/cygstrap.js'), ...args])).toEqual({
      code: 0,
      stdout:
        'x86_64/release/cygwin/cygwin-3.5.4-1-x86_64.tar.xz\n' +
        'x86_64/release/libintl8/libintl8-0.22.4-1-x86_64.tar.xz\n',
      stderr: '',
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('a Node.js that is too old is named in one line', async () => {
  const older = 'data:text/javascript,Object.defineProperty(process.versions,"node",{value:"18.20.4"})';
  expect(await program(['--import', older, 'bin/cygstrap.js', 'resolve'])).toEqual({
    code: 2,
    stdout: '',
    stderr: 'error: cygstrap needs Node.js 20.19 or later; this is 18.20.4\n',
  });
});

test('a checkout that is not built is named, with what to do', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'cygstrap-'));
  try {
    cpSync('package.json', join(directory, 'package.json'));
    cpSync('bin', join(directory, 'bin'), { recursive: true });
    expect(await program([join(directory, 'bin/cygstrap.js'), 'resolve'])).toEqual({
      code: 2,
      stdout: '',
      stderr: 'error: this checkout of cygstrap is not built\nhint: run `npm ci && npm run build` in it\n',
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
});
