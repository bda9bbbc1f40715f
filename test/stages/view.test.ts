import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { viewVm } from '../../src/api/vm-view.ts';
import { main } from '../../src/cli/main.ts';
import { vmPlaces } from '../../src/stages/layout.ts';
import { openWork } from '../../src/stages/stage-store.ts';
import type { WorkDirectory } from '../../src/stages/stage-store.ts';
import { get, open, responseTo } from '../serve/view-support.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'view-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
});

interface Recorded extends WorkDirectory {
  readonly name: string;
}

/** Makes the records of a running machine, without a machine. */
async function recorded(activity: string, startedMs = 1): Promise<Recorded> {
  const work = await openWork(vmPlaces(directory));
  onTestFinished(() => work[Symbol.asyncDispose]());
  const consoleLog = join(work.run, 'guest.console.log');
  writeFileSync(consoleLog, 'booted\nlogin: ');
  writeFileSync(
    join(work.run, 'machine.json'),
    JSON.stringify({ schema: 1, activity, guest: 'stand-in', key: 'ab'.repeat(32), startedMs, consoleLog, vnc: null }),
  );
  return { ...work, name: work.path.split('/').at(-1) ?? '' };
}

/** Runs `vm view` in this process, and calls `visit` with its first line. */
async function viewing(
  words: readonly string[],
  visit: (line: string) => Promise<void> = async () => {},
): Promise<{ exit: number; stdout: string; stderr: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const texts = Promise.all([text(stdout), text(stderr)]);
  let visited: Promise<void> | undefined;
  stdout.once('data', (chunk: Buffer) => (visited = visit(chunk.toString())));
  const exit = await main(['vm', 'view', '--vm-dir', directory, ...words], {
    stdin: Readable.from([]),
    stdout,
    stderr,
    env: {},
  });
  await visited;
  stdout.end();
  stderr.end();
  const [out, err] = await texts;
  return { exit, stdout: out, stderr: err };
}

describe('vm view', () => {
  test('prints the address, and ends with success when the machine has ended', async () => {
    const work = await recorded('install');
    const result = await viewing([], async (line) => {
      const { page, cookie } = await open(line.trim());
      const response = await responseTo(`${page}events`, { cookie });
      let seen = '';
      for await (const chunk of response) {
        seen += String(chunk);
        if (seen.includes('login: ') && seen.includes('event: state')) break;
      }
      expect(seen).toContain(`"name":"${work.name}","activity":"install","guest":"stand-in"`);
      expect(seen).toContain('event: console\ndata: {"lines":["booted"],"open":"login: "}\n');
      // Paths of the host are not sent.
      expect(seen).not.toContain(work.run);
      await work[Symbol.asyncDispose]();
    });
    expect(result).toMatchObject({ exit: 0, stderr: `note: machine ${work.name} has ended\n` });
    expect(result.stdout).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{32}\/\?token=[\w-]{32}\n$/);
  });

  test('ends with 130 on Ctrl-C, and closes its port; as JSON', async () => {
    const work = await recorded('boot');
    let url = '';
    let events = '';
    const { exit, stdout, stderr } = await viewing(['--json'], async (line) => {
      ({ url } = JSON.parse(line) as { url: string });
      const { page, cookie } = await open(url);
      const response = await responseTo(`${page}events`, { cookie });
      process.emit('SIGINT');
      events = await text(response);
    });
    expect(events).toMatch(/event: end\ndata: "closed"\n\n$/);
    expect([exit, stderr]).toEqual([130, '']);
    expect(JSON.parse(stdout)).toEqual({
      schema: 1,
      url,
      machine: {
        name: work.name,
        activity: 'boot',
        guest: 'stand-in',
        key: 'ab'.repeat(32),
        startedMs: 1,
        consoleLog: join(work.run, 'guest.console.log'),
        vnc: null,
      },
    });
    await expect(get(url)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  test('no machine is running', async () => {
    expect(await viewing([])).toEqual({
      exit: 2,
      stdout: '',
      stderr:
        'error: no machine is running\n' +
        'hint: start one with `cygstrap vm install`, `vm shell` or `vm boot` in another terminal\n',
    });
  });

  test('of several machines one is chosen by the first characters of its name', async () => {
    const [first, second] = [await recorded('install', 1), await recorded('shell', 2)];
    const running = `2 running: ${first.name} (install), ${second.name} (shell)`;
    const hint = 'hint: choose one with `--machine NAME`\n';
    expect(await viewing([])).toMatchObject({
      exit: 2,
      stderr: `error: there are several running machines: ${running}\n${hint}`,
    });
    expect(await viewing(['--machine', 'xyz'])).toMatchObject({
      exit: 2,
      stderr: `error: no running machine has a name that starts with \`xyz\`: ${running}\n${hint}`,
    });
    const view = await viewVm({ machine: second.name.slice(0, 11) }, { directory });
    onTestFinished(() => view.close());
    expect(view.machine).toMatchObject({ name: second.name, activity: 'shell' });
  });

  test('a record of a process that has ended is no machine; a damaged one is an error', async () => {
    const work = await recorded('install');
    writeFileSync(join(work.run, 'machine.json'), '{"schema": 1}');
    expect(await viewing([])).toMatchObject({ exit: 3, stderr: expect.stringContaining('machine.json') as string });
    rmSync(join(directory, 'locks'), { recursive: true });
    expect(await viewing([])).toMatchObject({ exit: 2 });
  });
});
