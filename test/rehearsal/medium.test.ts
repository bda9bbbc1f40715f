import { statSync } from 'node:fs';
import { expect, test } from 'vitest';
import { inspectMedium } from '../../src/media/inspect/inspect.ts';
import { temporaryDirectory } from '../media/support.ts';
import { describeWith } from '../support/qemu.ts';
import { makeCounterfeitIso, REHEARSAL_PROGRAMS } from './medium.ts';

const GIB = 1024 ** 3;
const HOLE_BYTES = 4 * GIB + 4096;
const STUB = new URL('boot/stub.ts', import.meta.url).pathname;

describeWith(REHEARSAL_PROGRAMS, 'the counterfeit medium', () => {
  test('is inspected as a medium of Windows with all its editions', async () => {
    const iso = await makeCounterfeitIso({ directory: temporaryDirectory(), setup: STUB });
    const { format, boot, answerFiles, setupLanguage, editions } = await inspectMedium(iso);
    expect({ format, boot, answerFiles, setupLanguage }).toEqual({
      format: 'UDF 1.02',
      boot: { bios: true, uefi: true },
      answerFiles: [],
      setupLanguage: 'en-US',
    });
    expect(
      editions.map(({ index, kind, editionId, installationType }) => [index, kind, editionId, installationType]),
    ).toEqual([
      [1, 'windows-2022', 'ServerStandardEval', 'core'],
      [2, 'windows-2022', 'ServerStandardEval', 'desktop'],
      [3, 'windows-2022', 'ServerDatacenterEval', 'core'],
      [4, 'windows-2022', 'ServerDatacenterEval', 'desktop'],
    ]);
  });

  test('can have a file of more than 4 GiB, which takes no space', async () => {
    const directory = temporaryDirectory();
    const iso = await makeCounterfeitIso({ directory, kind: 'windows-10', holeBytes: HOLE_BYTES, setup: STUB });
    const { sizeBytes, editions } = await inspectMedium(iso);
    expect(sizeBytes).toBeGreaterThan(HOLE_BYTES);
    expect(statSync(iso).blocks * 512).toBeLessThan(GIB);
    expect(editions.map(({ kind }) => kind)).toEqual(['windows-10']);
  });
});
