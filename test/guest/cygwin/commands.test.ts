import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { cygwinCommands } from '../../../src/guest/cygwin/commands.ts';
import { inSequence } from '../../../src/guest/kind.ts';
import { CygwinRoot } from './root.ts';

const COMMANDS = cygwinCommands('cygstrap');
const PASSWORD = 'Cy1-aB3dE6gH9jK2mN5p';

/** A configured guest. The password is right if `isConnectable`. */
function guest({ isConnectable = true } = {}): CygwinRoot {
  const root = new CygwinRoot();
  onTestFinished(() => root[Symbol.dispose]());
  root.write('home/cygstrap/.cygstrap-password', `${PASSWORD}\n`);
  if (isConnectable) root.write('state/password', PASSWORD);
  return root;
}

function connect(root: CygwinRoot, ...shares: readonly string[]): void {
  for (const name of shares) mkdirSync(join(root.path, name), { recursive: true });
}

function run(
  root: CygwinRoot,
  ...commands: readonly string[]
): { code: number | null; stdout: string; stderr: string } {
  return root.run(['/bin/bash', '-c', inSequence(commands)]);
}

const NET_USE = ['store', 'xchg'].map(
  (name) => `net use \\\\\\\\192.168.0.2\\\\${name} ${PASSWORD} /user:controller\\\\cygstrap`,
);

describe('connectShares', () => {
  const { connectShares } = COMMANDS;

  test('starts no program if the login has its password', () => {
    const root = guest();
    connect(root, 'store', 'xchg');
    expect(run(root, connectShares, 'echo done')).toEqual({ code: 0, stdout: 'done\n', stderr: '' });
    expect(root.calls()).toEqual([]);
  });

  test('connects each share that is missing, once', () => {
    const root = guest();
    expect(run(root, connectShares, 'echo done')).toEqual({ code: 0, stdout: 'done\n', stderr: '' });
    expect(root.calls()).toEqual(NET_USE);
    expect(run(root, connectShares)).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(root.calls()).toEqual([]);
    root.remove('xchg');
    expect(run(root, connectShares).code).toBe(0);
    expect(root.calls()).toEqual(NET_USE.slice(1));
  });

  test('has no password in its text, and leaves none in the shell', () => {
    expect(connectShares).not.toContain('Cy1-');
    expect(run(guest(), connectShares, 'set').stdout).not.toContain(PASSWORD);
  });

  test('tries again, and ends with what Windows answered', () => {
    const root = guest({ isConnectable: false });
    connect(root, 'store');
    root.write('state/answer', 'Systemfehler 53 aufgetreten.\r\n\r\nDer Netzwerkpfad wurde nicht gefunden \u00e4.\r\n');
    const { code, stdout, stderr } = run(root, connectShares, 'echo done');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^cannot connect the share xchg: Systemfehler 53 aufgetreten\. +Der Netzwerkpfad .*\n$/);
    expect(stderr).toMatch(/^[ -~]+\n$/);
    const calls = root.calls();
    expect(calls.filter((call) => call.includes(PASSWORD))).toEqual(
      NET_USE.slice(1).flatMap((call) => Array<string>(5).fill(call)),
    );
    expect(calls.filter((call) => call.includes('/delete'))).toHaveLength(4);
  });

  test('fails without the file with the password', () => {
    const root = guest();
    root.remove('home/cygstrap/.cygstrap-password');
    expect(run(root, connectShares).code).toBe(1);
  });
});

describe('reachShares', () => {
  const reachShares = COMMANDS.reachShares ?? '';

  test('fails while a share is missing, and stays in the home', () => {
    const root = guest();
    connect(root, 'store');
    expect(run(root, reachShares)).toEqual({ code: 1, stdout: '', stderr: '' });
    connect(root, 'xchg');
    expect(run(root, reachShares, 'pwd').stdout).toBe('/home/cygstrap\n');
    expect(root.calls()).toEqual([]);
  });
});

describe('connectDrives', () => {
  const connectDrives =
    COMMANDS.connectDrives?.(
      new Map([
        ['Z', 'xchg'],
        ['S', 'store'],
      ]),
    ) ?? '';

  test('connects letters that are not connected', () => {
    const root = guest();
    connect(root, 'cygdrive/s');
    expect(run(root, connectDrives, 'echo done').stdout).toBe('done\n');
    expect(root.calls()).toEqual(['net use Z: \\\\\\\\192.168.0.2\\\\xchg /persistent:no']);
  });

  test('fails with what Windows answered', () => {
    const root = guest();
    root.write('state/answer', 'System error 85 has occurred.\r\n');
    expect(run(root, connectDrives, 'echo done')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'cannot connect drive Z: to the share xchg: System error 85 has occurred. \n',
    });
  });
});

test('the other commands', () => {
  const root = guest();
  root.addProgram('usr/bin/date', '[ "$1" != +%s%3N ] || echo 1700000000499');
  root.addProgram('cygdrive/c/Windows/System32/shutdown.exe', 'echo text');
  connect(root, 'xchg/run-1 a');
  root.write("xchg/run-1 a/it's.sh", 'echo "$0"; exit 7\n');
  expect(run(root, COMMANDS.setClock(1_700_000_000_499), COMMANDS.readClock, COMMANDS.shutdown)).toEqual({
    code: 0,
    stdout: '1700000000499\n',
    stderr: '',
  });
  expect(root.calls()).toEqual(['date -u -s @1700000000', 'date +%s%3N', 'shutdown.exe -s -t 1 -f']);
  expect(run(root, COMMANDS.runScript("run-1 a/it's.sh"))).toEqual({
    code: 7,
    stdout: "/xchg/run-1 a/it's.sh\n",
    stderr: '',
  });
});
