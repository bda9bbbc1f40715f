import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Resume, Source } from '../../src/repo/files/source.ts';
import { brokenAfter, faultOf, LARGE, opening, PATH, SMALL } from './store-support.ts';
import { bytesOf, fileOf, noSource, openStore, piecesOf, sourceOf, temporaryDirectory, treeOf } from './support.ts';

describe('a download that broke off continues', () => {
  const reset = new Error('reset');

  async function breakAt(root: string, goodBytes: number, validator: string | undefined = '"one"'): Promise<void> {
    const store = await openStore(root);
    await expect(
      store.put(
        fileOf(PATH, LARGE),
        opening(() => brokenAfter(LARGE, goodBytes, reset), 0, validator),
      ),
    ).rejects.toBe(reset);
    await store.close();
  }

  test.each([1, 1 << 20, 2_000_000, LARGE.length - 1])(
    'after %d bytes, in another process of the same repo',
    async (goodBytes) => {
      const root = temporaryDirectory();
      await breakAt(root, goodBytes);
      const asked: Resume[] = [];
      const store = await openStore(root);
      let counted = 0;
      const { location } = await store.put(fileOf(PATH, LARGE), sourceOf(LARGE, { asked }), {
        onBytes: (bytes) => (counted += bytes),
      });
      expect(asked).toEqual([{ fromByte: goodBytes, validator: '"one"' }]);
      expect(counted).toBe(LARGE.length - goodBytes);
      expect(readFileSync(location).equals(LARGE)).toBe(true);
      expect(Object.keys(treeOf(root))).toEqual([PATH]);
    },
  );

  test('without a request if all bytes exist', async () => {
    const root = temporaryDirectory();
    await breakAt(root, LARGE.length);
    const store = await openStore(root);
    await store.put(fileOf(PATH, LARGE), noSource);
    expect(Object.keys(treeOf(root))).toEqual([PATH]);
  });

  test('from the start when the site has another state of the file', async () => {
    const root = temporaryDirectory();
    await breakAt(root, 2_000_000, '"old"');
    const asked: Resume[] = [];
    const store = await openStore(root);
    await store.put(fileOf(PATH, LARGE), sourceOf(LARGE, { asked }));
    expect(asked).toEqual([{ fromByte: 2_000_000, validator: '"old"' }]);
    expect(readFileSync(join(root, PATH)).equals(LARGE)).toBe(true);
  });

  test('from the start when the index lists another content now', async () => {
    const root = temporaryDirectory();
    await breakAt(root, 2_000_000);
    const other = bytesOf(5, LARGE.length);
    const asked: Resume[] = [];
    const store = await openStore(root);
    await store.put(fileOf(PATH, other), sourceOf(other, { asked }));
    expect(asked).toEqual([{ fromByte: 0, validator: undefined }]);
    expect(Object.keys(treeOf(root))).toEqual([PATH]);
  });

  test('and is removed if the whole is wrong', async () => {
    const root = temporaryDirectory();
    await breakAt(root, 2_000_000);
    const part = `${join(root, PATH)}.part`;
    const damaged = readFileSync(part);
    damaged[77] = (damaged[77] ?? 0) ^ 1;
    writeFileSync(part, damaged);
    const store = await openStore(root);
    await faultOf(store.put(fileOf(PATH, LARGE), sourceOf(LARGE)));
    expect(treeOf(root)).toEqual({});
    await store.put(fileOf(PATH, LARGE), sourceOf(LARGE));
  });

  test.each<[string, (part: Buffer) => Buffer, string]>([
    ['longer than the file', (part) => Buffer.concat([part, LARGE]), 'part'],
    ['empty', () => Buffer.alloc(0), 'part'],
    ['with a note nobody can read', () => Buffer.from('{"content'), 'part.json'],
  ])('when the part is %s', async (_name, change, suffix) => {
    const root = temporaryDirectory();
    await breakAt(root, 2_000_000);
    const path = `${join(root, PATH)}.${suffix}`;
    writeFileSync(path, change(readFileSync(path)));
    const store = await openStore(root);
    await store.put(fileOf(PATH, LARGE), sourceOf(LARGE)).catch(() => store.put(fileOf(PATH, LARGE), sourceOf(LARGE)));
    expect(readFileSync(join(root, PATH)).equals(LARGE)).toBe(true);
    expect(Object.keys(treeOf(root))).toEqual([PATH]);
  });

  test('when the part is complete and followed by more bytes', async () => {
    const root = temporaryDirectory();
    await breakAt(root, LARGE.length);
    writeFileSync(`${join(root, PATH)}.part`, Buffer.concat([LARGE, SMALL]));
    const store = await openStore(root);
    await store.put(fileOf(PATH, LARGE), noSource);
    expect(readFileSync(join(root, PATH)).equals(LARGE)).toBe(true);
  });

  test('but not if the source starts at another byte', async () => {
    const root = temporaryDirectory();
    await breakAt(root, 2_000_000);
    const store = await openStore(root);
    const elsewhere = async (): Promise<Source> => ({
      startByte: 1_000_000,
      validator: '"one"',
      chunks: piecesOf(LARGE.subarray(1_000_000)),
    });
    await faultOf(store.put(fileOf(PATH, LARGE), elsewhere));
    expect(treeOf(root)).toEqual({});
  });
});
