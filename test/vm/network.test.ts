import { existsSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { findOwnNetwork } from '../../src/vm/network/own-network.ts';
import { freePort, isPortTaken } from '../../src/vm/network/port.ts';
import { startVdeSwitch } from '../../src/vm/network/vde.ts';
import { makeRunDirectory } from '../../src/vm/run-directory.ts';
import { describeWith, emulatingHost, QEMU } from '../support/qemu.ts';
import { runs, temporaryDirectory } from './support.ts';

test('a run directory is short, private and removed at the end', async () => {
  let path = '';
  {
    await using directory = await makeRunDirectory();
    path = directory.path;
    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(path.length).toBeLessThan(60);
  }
  expect(existsSync(path)).toBe(false);
});

test('a port is free until it is used', async () => {
  const port = await freePort();
  expect(await isPortTaken(port)).toBe(false);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  expect(await isPortTaken(port)).toBe(true);
});

test('a host that forbids network namespaces has none', async () => {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, 'unshare'), '#!/bin/sh\necho forbidden >&2\nexit 1\n', { mode: 0o755 });
  const environment = { ...process.env, PATH: `${directory}:${process.env['PATH']}` };
  expect(await findOwnNetwork(environment)).toBeUndefined();
});

describeWith([QEMU, 'vde_switch'], 'a switch', () => {
  test('responds from the start, is private, and leaves no files', async () => {
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

  test('that dies is reported', async () => {
    const directory = temporaryDirectory();
    await using vde = await startVdeSwitch(await emulatingHost(), { directory });
    process.kill(vde.pid, 'SIGKILL');
    await expect(vde.died).rejects.toMatchObject({ code: 'vm', message: 'the switch died (signal SIGKILL)' });
  });

  test('fails with long paths, and without the program', async () => {
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
