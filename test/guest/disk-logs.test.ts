import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { CygstrapError } from '../../src/errors.ts';
import { readDiskLogs } from '../../src/guest/disk-logs.ts';
import type { DiskLogs } from '../../src/guest/disk-logs.ts';
import { GuestError } from '../../src/guest/guest-error.ts';
import { NtfsVolume } from '../../src/guest/ntfs/volume.ts';
import { SETUP_LOGS } from '../../src/guest/windows/setup-logs.ts';
import { keepingSetupLogs } from '../../src/stages/failed-install.ts';
import { TABLE_BYTES, windowsPartitions } from '../../src/vm/partition-table.ts';
import { QEMU, describeWith, emulatingHost, pathOf } from '../support/qemu.ts';
import { SEED } from '../support/seed.ts';
import { temporaryDirectory } from '../vm/support.ts';

const MIB = 1024 * 1024;
const PROGRAMS = [QEMU, 'qemu-img', 'mkntfs', 'ntfscp', 'sfdisk', 'wimlib-imagex'];

const TABLES = {
  GPT: ['label: gpt', 'start=2048, size=20480, type=U', 'type=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7'],
  MBR: ['label: dos', 'start=2048, size=20480, type=7, bootable', 'type=7'],
} as const;

/** Start of the second partition. */
const SYSTEM_START = (2048 + 20480) * 512;

const PASSWORD = 'Cy1-planted';
const ERROR_LINE = '2026-05-04 10:11:12, Error  [0x0f] IBS  No images are available.';

function run(program: string, ...words: string[]): void {
  execFileSync(pathOf(program) ?? program, words, { stdio: 'pipe' });
}

/** Makes an NTFS volume with these files, without mounting it. */
function makeVolume(directory: string, files: Readonly<Record<string, string | Uint8Array>>, sizeMiB: number): string {
  const [tree, wim, volume] = ['tree', 'tree.wim', 'volume'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), content);
  }
  writeFileSync(volume, '');
  truncateSync(volume, sizeMiB * MIB);
  run('mkntfs', '-q', '-F', '-f', volume);
  run('wimlib-imagex', 'capture', tree, wim, '--compress=none');
  run('wimlib-imagex', 'apply', wim, '1', volume);
  return volume;
}

/** Makes a qcow2 disk whose second partition is the volume. */
function makeDisk(directory: string, table: readonly string[], volume: Buffer): string {
  const [raw, disk] = [join(directory, 'raw'), join(directory, 'disk, 1.qcow2')];
  writeFileSync(raw, '');
  truncateSync(raw, SYSTEM_START + volume.length + 2 * MIB);
  execFileSync(pathOf('sfdisk') ?? 'sfdisk', ['-q', raw], { input: `${table.join('\n')}\n`, stdio: 'pipe' });
  const file = openSync(raw, 'r+');
  writeSync(file, volume, 0, volume.length, SYSTEM_START);
  closeSync(file);
  run('qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', raw, disk);
  return disk;
}

async function openVolume(bytes: Buffer): Promise<NtfsVolume> {
  return NtfsVolume.open((offset, length) => Promise.resolve(Buffer.from(bytes.subarray(offset, offset + length))));
}

describeWith(PROGRAMS, 'logs on the disk of a failed installation', () => {
  const long = Buffer.alloc(5 * MIB + 3, 'a long log\r\n');
  let bytes: Buffer;

  beforeAll(() => {
    const files: Record<string, string | Uint8Array> = {
      'Windows/Panther/setuperr.log': Buffer.from(`\ufeff${ERROR_LINE}\r\nlogon with ${PASSWORD}\r\n`, 'utf16le'),
      'Windows/Panther/setupact.log': long,
      'cygwin64/etc/setup/installed.db': 'INSTALLED.DB 3\n',
      'Windows/other.txt': 'not in the list',
    };
    // So many that the directory has index blocks.
    for (let i = 0; i < 400; i++) files[`Windows/inf/file-${i}.inf`] = `${i}`;
    files['Windows/inf/setupapi.dev.log'] = 'devices';
    const directory = mkdtempSync(join(tmpdir(), 'vm-'));
    bytes = readFileSync(makeVolume(directory, files, 40));
    rmSync(directory, { recursive: true });
  });

  const read = async (disk: string): Promise<DiskLogs> =>
    readDiskLogs(await emulatingHost(), disk, { paths: SETUP_LOGS.paths, signal: new AbortController().signal });

  test.each(Object.entries(TABLES))('%s', async (_, table) => {
    const disk = makeDisk(temporaryDirectory(), table, bytes);
    const { logs, problems } = await read(disk);
    expect(problems).toEqual([]);
    expect(logs.map(({ name }) => name)).toEqual([
      'Windows/Panther/setuperr.log',
      'Windows/Panther/setupact.log',
      'Windows/inf/setupapi.dev.log',
      'cygwin64/etc/setup/installed.db',
    ]);
    expect(logs[0]?.text).toContain(ERROR_LINE);
    const end = Buffer.from(logs[1]?.text ?? '');
    expect(end.equals(long.subarray(-end.length))).toBe(true);
    expect(end.length).toBe(4 * MIB - 1);
  });

  test('a volume of a Windows that was not shut down, in an overlay of a disk', async () => {
    const directory = temporaryDirectory();
    const dirty = Buffer.from(bytes);
    const tableAt = Number(bytes.readBigUInt64LE(48)) * 4096;
    // The record 3 is $Volume: its attribute 0x70 has the flag at offset 10 of the value. Source: layout.h of ntfs-3g.
    const record = tableAt + 3 * 1024;
    let attribute = record + dirty.readUInt16LE(record + 20);
    while (dirty.readUInt32LE(attribute) !== 0x70) attribute += dirty.readUInt32LE(attribute + 4);
    const flags = attribute + dirty.readUInt16LE(attribute + 20) + 10;
    expect(dirty.readUInt16LE(flags) & 1).toBe(0);
    dirty.writeUInt16LE(dirty.readUInt16LE(flags) | 1, flags);
    const base = makeDisk(directory, TABLES.GPT, dirty);
    const overlay = join(directory, 'overlay.qcow2');
    run('qemu-img', 'create', '-f', 'qcow2', '-b', base, '-F', 'qcow2', overlay);
    chmodSync(base, 0o400);
    const { logs, problems } = await read(overlay);
    expect(problems).toEqual([]);
    expect(logs.map(({ name }) => name)).toContain('cygwin64/etc/setup/installed.db');
    expect(logs[0]?.text).toContain(ERROR_LINE);
  });

  test('a blank disk, a partition without NTFS, and a missing disk', async () => {
    const directory = temporaryDirectory();
    const blank = join(directory, 'blank.qcow2');
    run('qemu-img', 'create', '-f', 'qcow2', blank, '64M');
    expect(await read(blank)).toEqual({ logs: [], problems: [expect.stringContaining('no partition for Windows')] });
    const empty = makeDisk(directory, TABLES.GPT, Buffer.alloc(MIB));
    expect(await read(empty)).toEqual({ logs: [], problems: ['the disk: the partition has no NTFS file system'] });
    expect((await read(join(directory, 'none'))).problems).toHaveLength(1);
  });

  test('a file whose attributes are in several records', async () => {
    const directory = temporaryDirectory();
    const volume = makeVolume(directory, { 'a/log.txt': 'short' }, 20);
    const [stream, content] = [join(directory, 'stream'), join(directory, 'content')];
    writeFileSync(stream, 'x'.repeat(2000));
    for (let i = 0; i < 40; i++) run('ntfscp', '-q', '-N', `stream${i}`, volume, stream, 'a/log.txt');
    // Now that its record is full, the content moves to another.
    writeFileSync(content, 'the content\n'.repeat(10_000));
    run('ntfscp', '-q', volume, content, 'a/log.txt');
    const opened = await openVolume(readFileSync(volume));
    expect((await opened.readEnd('A/LOG.TXT', MIB))?.toString()).toBe(readFileSync(content, 'utf8'));
    expect(await opened.readEnd('a/nothing', 1000)).toBeUndefined();
    expect(await opened.readEnd('a', 1000)).toBeUndefined();
  });

  test('damaged volumes give an answer or an error', async () => {
    // What is read of the volume: its first sector, the table of files, the directories.
    const tableAt = Number(bytes.readBigUInt64LE(48)) * 4096;
    const place = fc.oneof(
      fc.nat(511),
      fc.nat(100 * 1024).map((at) => tableAt + at),
    );
    let errors = 0;
    const property = fc.asyncProperty(
      fc.array(fc.tuple(place, fc.nat(255)), { minLength: 1, maxLength: 8 }),
      async (changes) => {
        const changed = new Map(changes);
        const read = (offset: number, length: number): Promise<Buffer> => {
          const part = Buffer.from(bytes.subarray(offset, offset + length));
          for (const [at, value] of changed) if (at >= offset && at < offset + part.length) part[at - offset] = value;
          return Promise.resolve(part);
        };
        try {
          const volume = await NtfsVolume.open(read);
          for (const path of ['Windows/Panther/setuperr.log', 'Windows/inf/file-77.inf'])
            await volume.readEnd(path, 1000);
        } catch (error) {
          expect(error).toBeInstanceOf(CygstrapError);
          errors++;
        }
      },
    );
    await fc.assert(property, { seed: SEED, numRuns: 2000 });
    expect(errors).toBeGreaterThan(0);
  });

  test('a failed installation keeps the logs without secrets, and its message has the cause', async () => {
    const directory = temporaryDirectory();
    const disk = makeDisk(directory, TABLES.GPT, bytes);
    const logs = { console: join(directory, 'console.log'), setup: join(directory, 'setup') };
    const kit = { setupLogs: SETUP_LOGS };
    const secrets = [PASSWORD];
    const context = { host: await emulatingHost(), signal: new AbortController().signal };
    const failure = new GuestError('guest', 'the installation hangs: no progress', { hint: 'see the screen' });
    const failing = keepingSetupLogs(context, { kit, secrets, disk, logs }, () => Promise.reject(failure));
    await expect(failing).rejects.toMatchObject({
      message: expect.stringMatching(
        /^the installation failed: the medium has no edition .*; the installation hangs: no progress$/,
      ) as string,
      hint: expect.stringMatching(/^choose an index .*; see the screen$/) as string,
    });
    const names = readdirSync(logs.setup);
    expect(names).toContain('diagnosis.txt');
    expect(names).toContain('Windows_Panther_setuperr.log');
    for (const name of names) expect(readFileSync(join(logs.setup, name), 'utf8')).not.toContain(PASSWORD);
    expect(readFileSync(join(logs.setup, 'diagnosis.txt'), 'utf8')).toContain(
      `Windows/Panther/setuperr.log: ${ERROR_LINE}`,
    );
  });

  test('what cannot be read never hides the failure', async () => {
    const directory = temporaryDirectory();
    const logs = { console: join(directory, 'console.log'), setup: join(directory, 'setup') };
    const kit = { setupLogs: SETUP_LOGS };
    const context = { host: await emulatingHost(), signal: new AbortController().signal };
    const failure = new GuestError('guest', 'first');
    const fail = async (disk: string): Promise<void> =>
      keepingSetupLogs(context, { kit, secrets: [], disk, logs }, () => Promise.reject(failure));
    await expect(fail(join(directory, 'none'))).rejects.toBe(failure);
    expect(readFileSync(join(logs.setup, 'problems.txt'), 'utf8')).toMatch(/^the disk: /);
    writeFileSync(join(directory, 'file'), '');
    const blocked = { kit, secrets: [], disk: '/none', logs: { ...logs, setup: join(directory, 'file', 'setup') } };
    await expect(keepingSetupLogs(context, blocked, () => Promise.reject(failure))).rejects.toBe(failure);
  });
});

test('a partition table with impossible numbers has no partitions', () => {
  const head = Buffer.alloc(TABLE_BYTES, 0xff);
  head.writeUInt16LE(0xaa55, 510);
  expect(windowsPartitions(head)).toEqual([]);
  head[450] = 0xee;
  head.write('EFI PART', 512, 'latin1');
  expect(windowsPartitions(head)).toEqual([]);
  expect(windowsPartitions(Buffer.alloc(10))).toEqual([]);
});
