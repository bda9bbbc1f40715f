import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { quoteWord } from '../../src/io/quoting.ts';
import type { UefiFirmware } from '../../src/vm/base/host.ts';
import { inspectDisk } from '../../src/vm/disk.ts';
import { describeWith, emulatingHost } from '../support/qemu.ts';
import { Bench, NOTICE, PROGRAMS, namesIn, processesOf } from './support.ts';
import type { RunningCommand } from './support.ts';

const VARIABLES = '/sys/firmware/efi/efivars';
const MINE = `${VARIABLES}/Mine-0f6d1c52-7c2f-4b0e-9d0b-2f5a3c8e7a42`;

/** Prints what the installation wrote to the firmware, whether the TPM is version 2, and the variable `MINE`. */
const READ = [
  `tail -c +5 ${VARIABLES}/Cygstrap-*`,
  'echo',
  'cat /sys/class/tpm/tpm0/tpm_version_major',
  `if [ -e ${MINE} ]; then tail -c +5 ${MINE}; else echo none; fi`,
].join('\n');
const WRITE = `printf '\\7\\0\\0\\0mine\\n' >${MINE}`;

describeWith([...PROGRAMS, 'swtpm'], 'machines with UEFI firmware and a TPM', () => {
  let bench: Bench;
  let firmware: UefiFirmware;

  beforeAll(async () => {
    const found = (await emulatingHost()).firmware;
    if (found === undefined) throw new Error('no UEFI firmware is installed');
    firmware = found;
    bench = await Bench.make();
    const { exit, stderr } = await build().ended;
    expect(exit, stderr).toBe(0);
  }, 600_000);
  afterAll(() => bench.remove());
  afterEach(() => bench.expectNoTraces());

  const build = (env: Readonly<Record<string, string>> = {}): RunningCommand =>
    bench.startMaking(['build', '--firmware', 'uefi', '--tpm', '--', 'sh', '-c', READ], { env });

  const directoryOf = (stage: 'install' | 'snapshot'): string =>
    join(bench.vmDir, stage, bench.stages()[stage][0] ?? '');

  /** An environment in which the firmware of this host is a copy at another path. */
  const withCopy = (name: string, change: (code: Buffer) => void): Readonly<Record<string, string>> => {
    const directory = join(bench.path, name, 'qemu/firmware');
    mkdirSync(directory, { recursive: true });
    const code = readFileSync(firmware.code.path);
    change(code);
    const path = join(bench.path, name, 'code.fd');
    writeFileSync(path, code);
    const flash = {
      executable: { filename: path, format: firmware.code.format },
      'nvram-template': { filename: firmware.vars.path, format: firmware.vars.format },
    };
    const machines = ['pc-i440fx-*', 'pc-q35-*'];
    writeFileSync(
      join(directory, '00-copy.json'),
      JSON.stringify({
        'interface-types': ['uefi'],
        mapping: { device: 'flash', ...flash },
        targets: [{ architecture: 'x86_64', machines }],
        features: [],
      }),
    );
    return { XDG_CONFIG_HOME: join(bench.path, name) };
  };

  test('each stage has a sealed layer of the variables and a state of the TPM', async () => {
    expect(namesIn(directoryOf('install'))).toEqual(expect.arrayContaining(['tpm2-00.permall', 'vars.qcow2']));
    expect(namesIn(directoryOf('snapshot'))).toEqual(
      ['disk.qcow2', 'ram', 'stage.json', 'state', 'tpm2-00.permall', 'vars.qcow2'].sort(),
    );
    for (const stage of ['install', 'snapshot'] as const) {
      const directory = directoryOf(stage);
      expect(statSync(join(directory, 'vars.qcow2')).mode & 0o777).toBe(0o444);
      expect(statSync(join(directory, 'tpm2-00.permall')).mode & 0o777).toBe(0o400);
      expect(JSON.parse(readFileSync(join(directory, 'stage.json'), 'utf8'))).toMatchObject({
        machineOptions: { firmware: 'uefi', tpm: true },
        vars: { sizeBytes: statSync(join(directory, 'vars.qcow2')).size },
        tpm: { sizeBytes: statSync(join(directory, 'tpm2-00.permall')).size },
      });
    }
    const { backing } = await inspectDisk(await emulatingHost(), join(directoryOf('snapshot'), 'vars.qcow2'));
    expect(backing).toMatch(/\/snapshot\/\w+\/\.\.\/\.\.\/install\/\w+\/vars\.qcow2$/);
  });

  test('a run sees the variables of the installation; what it writes is discarded', async () => {
    const before = readFileSync(join(directoryOf('snapshot'), 'vars.qcow2'));
    const run = async (script: string): Promise<string> => {
      const { exit, stdout, stderr } = await bench.vm(['vm', 'run', '--', 'sh', '-c', script]);
      expect({ exit, stderr }).toEqual({ exit: 0, stderr: NOTICE });
      return stdout;
    };
    expect(await run(`${READ}; ${WRITE}; ${READ}`)).toBe('installed\n2\nnone\ninstalled\n2\nmine\n');
    expect(await run(READ)).toBe('installed\n2\nnone\n');
    expect(readFileSync(join(directoryOf('snapshot'), 'vars.qcow2')).equals(before)).toBe(true);
  });

  test('a killed command leaves no TPM running', async () => {
    const command = bench.startVm(['vm', 'run', '--', 'sh', '-c', 'echo up; sleep 60']);
    await command.says(/^up$/m);
    expect(processesOf(bench.temporary).filter((line) => line.includes('swtpm socket'))).toHaveLength(1);
    command.child.kill('SIGKILL');
    await command.ended;
    await expect.poll(() => processesOf(bench.temporary), { timeout: 5000 }).toEqual([]);
    expect(await bench.gc()).toMatchObject({ exit: 0 });
  });

  test('a portable snapshot has them too', async () => {
    const { exit, stdout } = await bench.vm(['vm', 'snapshot', '--portable', '--json']);
    expect(exit).toBe(0);
    const { key } = JSON.parse(stdout) as { key: string };
    expect(await bench.vm(['vm', 'run', '--snapshot', key, '--', 'sh', '-c', READ])).toMatchObject({
      exit: 0,
      stdout: 'installed\n2\nnone\n',
      stderr: NOTICE,
    });
    expect(await bench.vm(['vm', 'rm', key])).toMatchObject({ exit: 0 });
  });

  test('vm boot keeps the variables and the TPM beside --disk-file', async () => {
    const diskFile = join(bench.path, 'mine.qcow2');
    const boot = async (script: string): Promise<string> => {
      const command = bench.startVm(['vm', 'boot', '--disk-file', diskFile]);
      await command.says(/^@cygstrap ready$/m, 120_000);
      const [, ssh = ''] = await command.says(/^note: connect by ssh when it has booted: (.*)$/m);
      const { stdout } = spawnSync('/bin/sh', ['-c', `${ssh} ${quoteWord(script)}`], { encoding: 'utf8' });
      command.child.kill('SIGTERM');
      const { exit, stderr } = await command.ended;
      expect(exit, stderr).toBe(0);
      return stdout;
    };
    expect(await boot(`${READ}; ${WRITE}`)).toBe('installed\n2\nnone\n');
    expect(
      readdirSync(bench.path)
        .filter((name) => name.startsWith('mine'))
        .sort(),
    ).toEqual(['mine.qcow2', 'mine.qcow2.tpm', 'mine.qcow2.vars.qcow2']);
    expect(await boot(READ)).toBe('installed\n2\nmine\n');
  }, 300_000);

  test('the path of the firmware does not matter, its content does', async () => {
    const same = await build(withCopy('same', () => {})).ended;
    expect(same).toMatchObject({ exit: 0, stdout: 'installed\n2\nnone\n', stderr: NOTICE });
    const other = withCopy('other', (code) => {
      const unused = code.indexOf(Buffer.alloc(4096, 0xff));
      expect(unused).toBeGreaterThan(0);
      code[unused + 2048] = 0;
    });
    const key = bench.stages().snapshot[0] ?? '';
    expect(await bench.vm(['vm', 'run', '--snapshot', key, '--', 'sh', '-c', READ], { env: other })).toMatchObject({
      exit: 0,
      stdout: 'installed\n2\nnone\n',
      stderr:
        `${NOTICE}warning: the snapshot cannot be resumed on this host; its disk is booted instead, which is slower: ` +
        `it was made with other UEFI firmware than \`${join(bench.path, 'other', 'code.fd')}\` of this host\n`,
    });
  }, 300_000);

  test('a changed file of the variables or the TPM is found; vm rm removes all of them', async () => {
    const { snapshot, install } = bench.stages();
    for (const [stage, name, what] of [
      ['snapshot', 'tpm2-00.permall', 'snapshot'],
      ['install', 'vars.qcow2', 'installed disk'],
    ] as const) {
      const path = join(directoryOf(stage), name);
      const before = readFileSync(path);
      const after = Buffer.from(before);
      after.writeUInt8(after.readUInt8(after.length - 1) ^ 1, after.length - 1);
      chmodSync(path, 0o600);
      writeFileSync(path, after);
      expect(await bench.vm(['vm', 'run', '--', 'true'])).toMatchObject({
        stderr: expect.stringContaining(
          `error: the ${what} was modified: \`${path}\` is damaged: sha256 mismatch\n`,
        ) as string,
      });
      writeFileSync(path, before);
    }
    expect(await bench.vm(['vm', 'rm', ...snapshot, ...install])).toMatchObject({ exit: 0 });
    expect(bench.stages()).toEqual({ install: [], snapshot: [] });
    expect(await bench.gc()).toMatchObject({ exit: 0 });
  });
});
