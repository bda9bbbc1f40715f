import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  checkDisk,
  commitOverlay,
  createDisk,
  createOverlay,
  flattenDisk,
  inspectDisk,
  sealDisk,
} from '../../src/vm/disk.ts';
import { describeWith, emulatingHost, QEMU } from '../support/qemu.ts';
import { temporaryDirectory } from './support.ts';

describeWith([QEMU, 'qemu-img'], 'a disk', () => {
  test('is created, layered, flattened, inspected and checked', async () => {
    const directory = temporaryDirectory();
    const host = await emulatingHost();
    const [base, overlay, flat] = ['base, 1', 'over lay', 'flat'].map((name) => join(directory, name)) as [
      string,
      string,
      string,
    ];
    await createDisk(host, { path: base, format: 'qcow2', sizeMiB: 10 });
    await sealDisk(base);
    await createOverlay(host, { path: overlay, base, baseFormat: 'qcow2' });
    expect(await inspectDisk(host, overlay)).toMatchObject({
      format: 'qcow2',
      sizeBytes: 10 * 1024 * 1024,
      backing: base,
    });
    await flattenDisk(host, { from: overlay, to: flat });
    expect(await inspectDisk(host, flat)).toMatchObject({ format: 'qcow2', backing: undefined });
    expect([base, flat].map((path) => statSync(path).mode & 0o777)).toEqual([0o444, 0o444]);
    await checkDisk(host, flat);
    expect(readdirSync(directory).sort()).toEqual(['base, 1', 'flat', 'over lay']);
  });

  test('a raw image has its full size, and a layer can be committed to it', async () => {
    const directory = temporaryDirectory();
    const host = await emulatingHost();
    const [base, overlay] = ['base', 'overlay'].map((name) => join(directory, name)) as [string, string];
    await createDisk(host, { path: base, format: 'raw', sizeMiB: 1 });
    expect(statSync(base).size).toBe(1024 * 1024);
    await createOverlay(host, { path: overlay, base, baseFormat: 'raw' });
    await commitOverlay(host, overlay);
  });

  test('overwrites nothing, and reports failures', async () => {
    const directory = temporaryDirectory();
    const host = await emulatingHost();
    const path = join(directory, 'disk');
    writeFileSync(path, 'mine');
    await expect(createDisk(host, { path, format: 'raw', sizeMiB: 1 })).rejects.toMatchObject({
      code: 'vm',
      cause: { code: 'EEXIST' },
    });
    expect(readFileSync(path, 'utf8')).toBe('mine');
    await expect(
      createOverlay(host, { path: join(directory, 'over'), base: join(directory, 'none'), baseFormat: 'qcow2' }),
    ).rejects.toMatchObject({
      code: 'vm',
      message: expect.stringContaining('No such file') as string,
      details: { exit: 1 },
    });
    writeFileSync(
      join(directory, 'broken.qcow2'),
      Buffer.concat([Buffer.from('QFI\u00fb', 'latin1'), Buffer.alloc(600)]),
    );
    await expect(checkDisk(host, join(directory, 'broken.qcow2'))).rejects.toMatchObject({ code: 'vm' });
    await expect(
      createDisk(
        { ...host, tools: { ...host.tools, 'qemu-img': undefined } },
        { path: join(directory, 'x'), format: 'raw', sizeMiB: 1 },
      ),
    ).rejects.toMatchObject({ message: '`qemu-img` is not installed' });
    expect(readdirSync(directory).sort()).toEqual(['broken.qcow2', 'disk']);
  });

  test('unexpected output of qemu-img is an error of code vm', async () => {
    const host = await emulatingHost();
    const path = join(temporaryDirectory(), 'qemu-img');
    for (const output of ['not JSON', '[]', '{"format": 1}']) {
      writeFileSync(path, `#!/bin/sh\necho '${output}'\n`, { mode: 0o755 });
      await expect(inspectDisk({ ...host, tools: { ...host.tools, 'qemu-img': path } }, '/disk')).rejects.toMatchObject(
        { code: 'vm', message: 'unexpected output of `qemu-img info` for `/disk`' },
      );
    }
  });
});
