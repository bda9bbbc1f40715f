import { createHash } from 'node:crypto';
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { inspectMedia } from '../../../src/api/media-inspect.ts';
import type { Event } from '../../../src/events.ts';
import { ImageFile } from '../../../src/media/inspect/image-file.ts';
import { describeWith, temporaryDirectory } from '../support.ts';
import { BOOT, makeTree, makeUdf, SERVER_2022 } from './media.ts';

describeWith(['wimlib-imagex', 'genisoimage'], 'inspectMedia', () => {
  test('reads less than 1 MiB, and no digest unless it is asked for', async () => {
    const dir = temporaryDirectory();
    const iso = makeUdf(dir, makeTree(dir, { editions: SERVER_2022, boot: BOOT }));
    const bytes = vi.spyOn(ImageFile.prototype, 'bytes');
    expect(await inspectMedia({ iso })).toMatchObject({ sha256: null });
    expect(bytes.mock.calls.reduce((sum, [, size]) => sum + size, 0)).toBeLessThan(1 << 20);
    bytes.mockRestore();
  });

  test('reads the image once for its digest, and again when it has changed', async () => {
    const dir = temporaryDirectory();
    const iso = makeUdf(dir, makeTree(dir, { editions: SERVER_2022, boot: BOOT }));
    const cacheDirectory = join(dir, 'cache');
    const events: Event[] = [];
    const inspect = (digest: boolean) =>
      inspectMedia({ iso, digest }, { cacheDirectory, report: (each) => events.push(each) });
    const reads = (): number => events.filter(({ kind }) => kind === 'transfer-start').length;
    const sha256 = () => createHash('sha256').update(readFileSync(iso)).digest('hex');
    expect([await inspect(true), reads()]).toMatchObject([{ sha256: sha256() }, 1]);
    expect([await inspect(true), reads()]).toMatchObject([{ sha256: sha256() }, 1]);
    expect([await inspect(false), reads()]).toMatchObject([{ sha256: sha256() }, 1]);
    appendFileSync(iso, 'x');
    expect([await inspect(false), reads()]).toMatchObject([{ sha256: null }, 1]);
    expect([await inspect(true), reads()]).toMatchObject([{ sha256: sha256() }, 2]);
  });

  test('refuses another digest than the expected one', async () => {
    const dir = temporaryDirectory();
    const iso = makeUdf(dir, makeTree(dir, { editions: SERVER_2022, boot: BOOT }));
    const right = createHash('sha256').update(readFileSync(iso)).digest('hex');
    await expect(inspectMedia({ iso, sha256: 'a'.repeat(64) })).rejects.toMatchObject({ code: 'verify' });
    await expect(inspectMedia({ iso, sha256: right.toUpperCase() })).resolves.toMatchObject({ sha256: right });
  });

  test('refuses an image with an answer file of its own', async () => {
    const dir = temporaryDirectory();
    const files = { 'autounattend.xml': '<unattend/>' };
    const iso = makeUdf(dir, makeTree(dir, { editions: SERVER_2022, boot: BOOT, files }));
    await expect(inspectMedia({ iso })).rejects.toMatchObject({
      code: 'media',
      message: `\`${iso}\` has an answer file of its own: \`autounattend.xml\``,
    });
  });

  test('stops reading when it is interrupted', async () => {
    const dir = temporaryDirectory();
    const iso = makeUdf(dir, makeTree(dir, { editions: SERVER_2022, boot: BOOT }));
    const stop = new AbortController();
    const report = ({ kind }: Event): void => void (kind === 'transfer-start' && stop.abort(new Error('stopped')));
    const running = inspectMedia({ iso, digest: true }, { report, signal: stop.signal });
    await expect(running).rejects.toThrow('stopped');
  });
});
