import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { doctorText } from '../../src/cli/commands/doctor.ts';
import { examined, fixHost } from '../../src/api/doctor.ts';
import { DOCTOR_HINT, doctorHint } from '../../src/io/doctor-hint.ts';
import { openFile } from '../../src/io/open-file.ts';
import { TOOL_NAMES } from '../../src/vm/base/host.ts';
import type { Host } from '../../src/vm/base/host.ts';
import { PROJECT, runCommand } from '../support/transcript.ts';
import { temporaryDirectory } from './support.ts';

const GIB = 1024 ** 3;

const whole: Host = {
  architecture: 'x64',
  cpuVendor: 'intel',
  kernelRelease: '6.1.0',
  qemu: {
    binary: '/usr/bin/qemu-system-x86_64',
    version: '7.2.22',
    sizeBytes: 1,
    modifiedMs: 1,
    accelerators: [
      {
        name: 'kvm',
        works: false,
        why: 'exit code 1: Could not access KVM kernel module: No such file or directory',
        cpu: 'qemu64',
        durationMs: 30,
      },
      { name: 'tcg', works: true, cpu: 'qemu64', durationMs: 200 },
    ],
    machineTypes: ['pc-i440fx-7.2'],
    hasIgnoreShared: true,
    hasMappedRam: false,
    hasMultifd: true,
    has9p: true,
    hasUserNetwork: true,
    hasVde: true,
    hasStream: true,
  },
  firmware: {
    code: { path: '/usr/share/OVMF/OVMF_CODE_4M.fd', format: 'raw' },
    vars: { path: '/usr/share/OVMF/OVMF_VARS_4M.fd', format: 'raw' },
  },
  tools: Object.fromEntries(TOOL_NAMES.map((name) => [name, `/usr/bin/${name}`])) as Host['tools'],
  memory: { totalBytes: 16 * GIB, availableBytes: 12 * GIB },
  disks: [{ path: '/tmp', freeBytes: 100 * GIB }],
  hasOwnNetworks: true,
  distribution: { name: 'Debian GNU/Linux 12 (bookworm)', family: 'debian' },
};

const { qemu: _qemu, firmware: _firmware, ...withoutQemu } = whole;
const bare: Host = {
  ...withoutQemu,
  tools: { ...whole.tools, smbd: undefined, pdbedit: undefined, vde_switch: undefined, xorriso: undefined },
  memory: { totalBytes: GIB, availableBytes: GIB / 2 },
  hasOwnNetworks: false,
};

describe('the report', () => {
  test.each<[string, Host]>([
    ['whole', whole],
    ['bare-debian', bare],
    ['bare-arch', { ...bare, distribution: { name: 'Arch Linux', family: 'arch' } }],
    [
      'one-thing-missing',
      {
        ...whole,
        tools: { ...whole.tools, vde_switch: undefined },
        distribution: { name: 'Alpine', family: undefined },
      },
    ],
  ])('%s', async (name, host) => {
    await expect(doctorText(examined(host))).toMatchFileSnapshot(join(PROJECT, `fixtures/vm/doctor/${name}.txt`));
  });

  test('is not ready on Windows or macOS, and has no command for them', () => {
    for (const platform of ['win32', 'darwin'] as const) {
      const result = examined(bare, platform);
      expect(result).toMatchObject({ isReady: false, mends: [] });
      expect(doctorText(result)).not.toContain('Install');
      expect(doctorText(result)).toContain('Machines run on Linux only.');
      expect(examined(whole, platform)).toMatchObject({ isReady: false });
    }
    expect(doctorHint('win32')).not.toContain('doctor');
  });

  test('is ready if all required needs are met', () => {
    expect(examined(whole)).toMatchObject({ isReady: true, mends: [] });
    expect(examined({ ...whole, tools: { ...whole.tools, zstd: undefined } }).isReady).toBe(true);
    expect(examined({ ...whole, tools: { ...whole.tools, smbd: undefined } }).isReady).toBe(false);
    expect(examined(bare).isReady).toBe(false);
    const { qemu } = whole;
    if (qemu !== undefined)
      expect(examined({ ...whole, qemu: { ...qemu, accelerators: qemu.accelerators.slice(0, 1) } }).isReady).toBe(
        false,
      );
  });
});

describe.skipIf(process.platform === 'win32')('the installation of missing packages (skipped on Windows)', () => {
  function fakeManager(name: string, text: string): { environment: { PATH: string }; log: () => string } {
    const directory = temporaryDirectory();
    const path = join(directory, name);
    writeFileSync(path, `#!/bin/sh\necho "$DEBIAN_FRONTEND $*" >> ${directory}/log\n${text}\n`);
    chmodSync(path, 0o755);
    return {
      environment: { PATH: `${directory}:/usr/bin:/bin` },
      log: () => readFileSync(join(directory, 'log'), 'utf8'),
    };
  }

  test('runs the package manager of this system as root, and passes on its output', async () => {
    const { environment, log } = fakeManager('apt-get', 'echo "Setting up $1"');
    const said: string[] = [];
    expect(
      await fixHost(examined(bare), { env: environment, isRoot: true, onOutput: (text) => said.push(text) }),
    ).toBeUndefined();
    expect(log()).toBe(
      'noninteractive update\n' +
        'noninteractive install --yes --no-install-recommends ovmf qemu-system-x86 samba vde2 xorriso\n',
    );
    expect(said.join('')).toBe('Setting up update\nSetting up install\n');
  });

  test('returns the command without root, and on an unknown system', async () => {
    const context = { env: {}, onOutput: () => {} };
    expect(await fixHost(examined(bare), { ...context, isRoot: false })).toMatchObject({
      family: 'debian',
      needsRoot: true,
    });
    expect(
      await fixHost(examined({ ...bare, distribution: { name: 'Alpine', family: undefined } }), {
        ...context,
        isRoot: true,
      }),
    ).toMatchObject({ family: 'debian' });
    expect(await fixHost(examined(whole), { ...context, isRoot: true })).toBeUndefined();
  });

  test('reports a failing package manager with the last lines of stderr', async () => {
    const { environment } = fakeManager('apt-get', 'echo "E: Unable to locate package" >&2; exit 100');
    await expect(fixHost(examined(bare), { env: environment, isRoot: true, onOutput: () => {} })).rejects.toMatchObject(
      {
        code: 'vm',
        message: expect.stringContaining('update` failed (exit code 100)') as string,
        details: { stderrTail: ['E: Unable to locate package'] },
      },
    );
    await expect(
      fixHost(examined({ ...bare, distribution: { name: 'Fedora', family: 'fedora' } }), {
        env: { PATH: '/nowhere' },
        isRoot: true,
        onOutput: () => {},
      }),
    ).rejects.toMatchObject({ message: 'package manager not found: `dnf`' });
  });
});

test('a browser that cannot be started names doctor', async () => {
  await expect(openFile('page.html', { PATH: '/nowhere' }, 'linux')).rejects.toMatchObject({
    code: 'tool',
    hint: DOCTOR_HINT,
  });
});

test('the command has the options for output of all others', async () => {
  const { exit, stdout } = await runCommand('cygstrap doctor -q -v', '');
  expect(exit).toBeLessThan(2);
  for (const name of ['ldd', 'sync', 'unshare', 'nsenter', 'ip', 'apt-get', 'apt-cache', 'dpkg-deb'])
    expect(stdout).toMatch(new RegExp(`^(?:found|missing) +${name} `, 'm'));
});

test('the command reports on this computer, and its exit code is 0 if it is ready', async () => {
  const json = await runCommand('cygstrap doctor --json', '');
  const result = JSON.parse(json.stdout) as { schema: number; isReady: boolean; needs: { name: string }[] };
  expect(result.schema).toBe(1);
  expect(json.exit).toBe(result.isReady ? 0 : 1);
  expect(result.needs.map(({ name }) => name)).toContain('smbd');
});
