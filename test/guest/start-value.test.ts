import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { waitForStart } from '../../src/guest/controller/init.ts';
import { describeWith } from '../support/qemu.ts';

describeWith(['busybox', 'mkfifo'], 'a controller waits for its start value', () => {
  test.each([
    {
      name: 'reads until they are no longer zeros',
      readings: ['0000000000', '0000000000', '1795267089', '1795267089'],
    },
    {
      name: 'saved while it read zeros, resumed in the middle of them, it reads again',
      readings: ['0000000000', '0000267089', '1795267089'],
    },
  ])('$name', async ({ readings }) => {
    const directory = await mkdtemp(join(tmpdir(), 'cyg-'));
    try {
      const file = join(directory, 'value');
      execFileSync('mkfifo', [file]);
      // The guest opens the pipe anew for each reading, and must be done with the one before.
      const writer = spawn(
        'busybox',
        ['sh', '-c', readings.map((each) => `printf ${each} >${file}; usleep 50000`).join('; ')],
        { stdio: 'inherit' },
      );
      const written = once(writer, 'exit');
      const guest = spawn('busybox', ['sh', '-c', `${waitForStart(file)}\necho $((now))`], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const said = await text(guest.stdout);
      // Without a second read it waits forever.
      writer.kill();
      await written;
      expect(said).toBe('1795267089\n');
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});
