import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { userCacheDirectory } from '../src/io/user-dirs.ts';
import { QEMU, whenThere } from './support/qemu.ts';
import { PROJECT, runCommand } from './support/transcript.ts';

const MACHINE = 'Part 2: a machine\n';

test(
  'the demo prints the expected output, and runs a machine if the programs are installed',
  { timeout: 240_000 },
  async () => {
    const cache = await mkdtemp(join(tmpdir(), 'cygstrap-demo-cache-'));
    try {
      // The stages are new. The kernel was downloaded before: tests use no network.
      await mkdir(join(cache, 'cygstrap'));
      await symlink(join(userCacheDirectory(process.env), 'kernels'), join(cache, 'cygstrap/kernels'));
      const { exit, stdout, stderr } = await runCommand(`XDG_CACHE_HOME=${cache} node fixtures/demo/run.js`);
      expect(stderr).toBe('');
      expect(exit).toBe(0);
      const [repo = '', machine = ''] = stdout.split(MACHINE);
      await expect(repo).toMatchFileSnapshot(join(PROJECT, 'fixtures/demo-output.txt'));
      if (whenThere([QEMU, 'qemu-img', 'smbd', 'sshd', 'ssh', 'busybox', 'xorriso', 'mcopy'])) {
        const stable = machine.replaceAll(/\b[0-9a-f]{12,32}\b/g, '[key]').replaceAll(/\d+\.\d s\b/g, '[time]');
        await expect(stable).toMatchFileSnapshot(join(PROJECT, 'fixtures/demo-machine-output.txt'));
      } else {
        expect(machine).toContain('`cygstrap doctor --fix` installs it');
      }
    } finally {
      await rm(cache, { recursive: true, force: true });
    }
  },
);
