import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { auditRepo, isDamage } from '../../src/repo/audit.ts';
import type { Audit, AuditOptions } from '../../src/repo/audit.ts';
import type { RepoFile } from '../../src/repo/files/file.ts';
import { SEED } from '../support/seed.ts';
import { bytesOf, fileOf, openStore, sourceOf, temporaryDirectory, treeOf, writeTree } from './support.ts';

const CONTENTS = [0, 1, 300, 300, 70_000, 1_300_000].map((sizeBytes, i) => bytesOf(i + 1, sizeBytes));
const FILES = CONTENTS.map((bytes, i) =>
  fileOf(`${i % 2 === 0 ? 'x86_64' : 'noarch'}/release/p${i}/p${i}-1-1.tar.xz`, bytes, i === 4 ? 'md5' : 'sha512'),
);

function filledRepo(): string {
  const root = temporaryDirectory();
  writeTree(root, Object.fromEntries(FILES.map(({ path }, i) => [path, CONTENTS[i] ?? ''])));
  return root;
}

async function audited(root: string, options: AuditOptions = {}, files: readonly RepoFile[] = FILES): Promise<Audit> {
  return auditRepo(root, [{ files, isComplete: true }], options);
}

const findingsOf = ({ findings }: Audit): string[] => findings.map(({ kind, path }) => `${kind} ${path}`);

test('an undamaged repo has no findings, and every file is verified', async () => {
  const root = filledRepo();
  const audit = await audited(root);
  expect(audit.findings).toEqual([]);
  expect(audit).toMatchObject({
    files: FILES.length,
    sizeBytes: CONTENTS.reduce((sum, { length }) => sum + length, 0),
  });
  expect(audit.verified.map(({ path }) => path)).toEqual(FILES.map(({ path }) => path).toSorted());
  expect(audit.verified[0]).toMatchObject({ location: join(root, audit.verified[0]?.path ?? ''), proof: 'sha512' });
});

describe('property: it finds', () => {
  /** Does one thing to a file, audits, and undoes it. */
  async function auditAfter(root: string, at: number, change: (bytes: Buffer) => Buffer): Promise<string[]> {
    const location = join(root, FILES[at]?.path ?? '');
    writeFileSync(location, change(Buffer.from(CONTENTS[at] ?? '')));
    const audit = await audited(root);
    writeFileSync(location, CONTENTS[at] ?? '');
    expect(audit.verified).toHaveLength(FILES.length - 1);
    return findingsOf(audit);
  }

  const anyFile = fc.integer({ min: 0, max: FILES.length - 1 });
  const anyPlace = fc.tuple(
    fc.integer({ min: 1, max: FILES.length - 1 }),
    fc.double({ min: 0, max: 0.999_999, noNaN: true }),
    fc.integer({ min: 1, max: 255 }),
  );
  const options = { seed: SEED, numRuns: 25 };

  test('every corruption of one byte', async () => {
    const root = filledRepo();
    await fc.assert(
      fc.asyncProperty(anyPlace, async ([at, share, flip]) => {
        const found = await auditAfter(root, at, (bytes) => {
          const place = Math.floor(share * bytes.length);
          bytes[place] = (bytes[place] ?? 0) ^ flip;
          return bytes;
        });
        expect(found).toEqual([`damaged ${FILES[at]?.path}`]);
      }),
      options,
    );
  });

  test('every truncation', async () => {
    const root = filledRepo();
    await fc.assert(
      fc.asyncProperty(anyPlace, async ([at, share]) => {
        const found = await auditAfter(root, at, (bytes) => bytes.subarray(0, Math.floor(share * bytes.length)));
        expect(found).toEqual([`wrong-size ${FILES[at]?.path}`]);
      }),
      options,
    );
  });

  test('every extension', async () => {
    const root = filledRepo();
    await fc.assert(
      fc.asyncProperty(anyFile, fc.uint8Array({ minLength: 1, maxLength: 9 }), async (at, more) => {
        expect(await auditAfter(root, at, (bytes) => Buffer.concat([bytes, more]))).toEqual([
          `wrong-size ${FILES[at]?.path}`,
        ]);
      }),
      options,
    );
  });

  test('every swap of two files', async () => {
    const root = filledRepo();
    const locations = FILES.map(({ path }) => join(root, path));
    const swap = (a: string, b: string): void => {
      renameSync(a, `${a}.swap`);
      renameSync(b, a);
      renameSync(`${a}.swap`, b);
    };
    for (let one = 0; one < FILES.length; one++) {
      for (let other = one + 1; other < FILES.length; other++) {
        swap(locations[one] ?? '', locations[other] ?? '');
        const kind = CONTENTS[one]?.length === CONTENTS[other]?.length ? 'damaged' : 'wrong-size';
        expect(findingsOf(await audited(root)).toSorted()).toEqual(
          [one, other].map((at) => `${kind} ${FILES[at]?.path}`).toSorted(),
        );
        swap(locations[one] ?? '', locations[other] ?? '');
      }
    }
    expect(findingsOf(await audited(root))).toEqual([]);
  });
});

test('it reports missing, unlisted and leftover files, and which of them are damage', async () => {
  const root = filledRepo();
  rmSync(join(root, FILES[2]?.path ?? ''));
  writeTree(root, {
    'x86_64/setup.ini': 'an index',
    'x86_64/setup.ini.sig': 'its signature',
    'x86_64/release/old/old-1.tar.xz': 'old',
    'x86_64/release/p4/p4-1-1.tar.xz.part': 'part',
    'x86_64/release/p4/p4-1-1.tar.xz.tmp': 'of setup',
    'setup-x86_64.exe': 'the installer',
    'notes/README.txt': 'by the user',
  });
  symlinkSync('/etc', join(root, 'x86_64/release/link'));
  const before = treeOf(root);
  const { findings } = await audited(root);
  expect(findings.map((finding) => [finding.kind, finding.path, isDamage(finding)])).toEqual([
    ['unlisted', 'x86_64/release/link', false],
    ['unlisted', 'x86_64/release/old/old-1.tar.xz', false],
    ['missing', FILES[2]?.path, true],
    ['leftover', 'x86_64/release/p4/p4-1-1.tar.xz.part', false],
    ['leftover', 'x86_64/release/p4/p4-1-1.tar.xz.tmp', false],
  ]);
  expect(findings[2]?.file).toEqual(FILES[2]);
  expect(treeOf(root)).toEqual(before);
});

test('files that only a site lists may be missing, but not damaged', async () => {
  const root = filledRepo();
  rmSync(join(root, FILES[2]?.path ?? ''));
  writeFileSync(join(root, FILES[3]?.path ?? ''), bytesOf(99, 300));
  const audit = await auditRepo(root, [{ files: FILES, isComplete: false }]);
  expect(findingsOf(audit)).toEqual([`damaged ${FILES[3]?.path}`]);
});

test('a file must match both of two different expectations', async () => {
  const root = filledRepo();
  const md5 = fileOf(FILES[5]?.path ?? '', CONTENTS[5] ?? Buffer.alloc(0), 'md5');
  expect(findingsOf(await audited(root, {}, [...FILES, md5]))).toEqual([]);
  const wrong: RepoFile = { ...md5, digest: { algorithm: 'md5', hex: '0'.repeat(32) } };
  const [finding] = (await audited(root, {}, [...FILES, wrong])).findings;
  expect(finding).toMatchObject({
    kind: 'damaged',
    expected: `md5:${'0'.repeat(32)}`,
    actual: `md5:${md5.digest?.hex}`,
  });
  const other: RepoFile = { ...md5, sizeBytes: 5 };
  expect((await audited(root, {}, [...FILES, other])).findings).toMatchObject([
    { kind: 'wrong-size', expected: '5 bytes', actual: '1300000 bytes' },
  ]);
});

test('a quick audit compares only sizes and verifies nothing', async () => {
  const root = filledRepo();
  writeFileSync(join(root, FILES[3]?.path ?? ''), bytesOf(99, 300));
  truncateSync(join(root, FILES[4]?.path ?? ''), 5);
  const audit = await audited(root, { isQuick: true });
  expect(findingsOf(audit)).toEqual([`wrong-size ${FILES[4]?.path}`]);
  expect(audit.verified).toEqual([]);
});

test('a link instead of a file is reported, and a directory there is a missing file', async () => {
  const root = filledRepo();
  for (const at of [2, 3]) rmSync(join(root, FILES[at]?.path ?? ''));
  symlinkSync('nowhere', join(root, FILES[2]?.path ?? ''));
  mkdirSync(join(root, FILES[3]?.path ?? ''));
  const expected = [`link ${FILES[2]?.path}`, `missing ${FILES[3]?.path}`];
  expect(findingsOf(await audited(root)).toSorted()).toEqual(expected.toSorted());
});

test('it ignores the verification cache, and removes damaged files from it', async () => {
  const root = temporaryDirectory();
  const file = FILES[4] ?? fileOf('x', Buffer.alloc(0));
  const store = await openStore(root);
  await store.put(file, sourceOf(CONTENTS[4] ?? Buffer.alloc(0)));
  await store.close();
  const recorded = readFileSync(join(root, '.cygstrap/verified'), 'utf8');
  expect(recorded).toContain(file.path);
  expect(findingsOf(await audited(root, {}, [file]))).toEqual([]);
  expect(readFileSync(join(root, '.cygstrap/verified'), 'utf8')).toBe(recorded);
  writeFileSync(join(root, file.path), bytesOf(99, file.sizeBytes));
  expect(findingsOf(await audited(root, {}, [file]))).toEqual([`damaged ${file.path}`]);
  expect(readFileSync(join(root, '.cygstrap/verified'), 'utf8')).toContain(`- 0 0 0 0 0 ${file.path}`);
});

test('a directory without archives is not a repo', async () => {
  const root = temporaryDirectory();
  await expect(audited(root)).rejects.toMatchObject({ code: 'repo' });
  await expect(audited(join(root, 'none'))).rejects.toMatchObject({ code: 'repo' });
});

test('an aborted audit ends with the reason', async () => {
  const reason = new Error('stopped');
  await expect(audited(filledRepo(), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});

test("in setup's download directory a file may lie below any of its sites", async () => {
  const root = temporaryDirectory();
  const [first, second] = ['http%3a%2f%2fa%2f', 'http%3a%2f%2fb%2f'];
  writeTree(root, {
    [`${first}/x86_64/setup.ini`]: 'x',
    [`${first}/${FILES[2]?.path}`]: CONTENTS[2] ?? '',
    [`${second}/${FILES[3]?.path}`]: CONTENTS[3] ?? '',
    [`${second}/x86_64/release/old`]: '',
  });
  const audit = await audited(root, {}, FILES.slice(2, 5));
  expect(findingsOf(audit)).toEqual([`missing ${first}/${FILES[4]?.path}`, `unlisted ${second}/x86_64/release/old`]);
});
