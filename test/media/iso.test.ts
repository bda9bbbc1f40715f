import { spawn } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  createReadStream,
  mkdirSync,
  readFileSync,
  readdirSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { auditRepo } from '../../src/repo/audit.ts';
import { graftList, isoArgs, writeIso } from '../../src/media/iso.ts';
import type { IsoEntry } from '../../src/media/iso.ts';
import { readIso } from '../../src/media/read/iso.ts';
import { filesOfLock } from '../../src/api/repo-files.ts';
import { makeRepo } from '../repo/bundle/support.ts';
import { DATE_SECONDS, describeWith, hasTool, run, sha512, temporaryDirectory } from './support.ts';

const options = { label: 'TEST', dateSeconds: DATE_SECONDS };

const bytes = (path: string, text: string): IsoEntry => ({ kind: 'bytes', path, bytes: Buffer.from(text) });

function host(path: string, location: string, text: string): IsoEntry {
  mkdirSync(dirname(location), { recursive: true });
  writeFileSync(location, text);
  return { kind: 'host', path, location };
}

describe('the arguments of xorriso', () => {
  test('have fixed dates, owners and modes', () => {
    expect(isoArgs({ ...options, list: '/d/grafts', image: '/d/image' }).join(' ')).toBe(
      '-no_rc -report_about WARNING -local_charset UTF-8 -stdio_sync off -as mkisofs -quiet ' +
        '-iso-level 3 -D -f -r -J -joliet-long -V TEST -A  -publisher  -p ' +
        ' --modification-date=2023111422132000 --set_all_file_dates 2023111422132000 -uid 0 -gid 0 ' +
        '-file-mode 0555 -dir-mode 0555 -graft-points -path-list /d/grafts -o /d/image',
    );
  });

  test('list files in sorted order, with separators escaped', () => {
    const list = graftList([
      { path: 'b', location: '/x y' },
      { path: 'a=1', location: '/back\\slash=2' },
    ]);
    expect(list).toBe('a\\=1=/back\\\\slash\\=2\nb=/x y\n');
  });

  test('reject a file name with a line break', () => {
    expect(() => graftList([{ path: 'a', location: '/x\ny' }])).toThrow('its name contains a line break');
  });
});

describe.each<[string, readonly string[], string, string]>([
  ['a name of 104 characters', [`x/${'n'.repeat(104)}`], 'media', 'its name has 104 characters, at most 103 in Joliet'],
  [
    'a path of 241 characters',
    [`${'d'.repeat(100)}/${'e'.repeat(100)}/${'f'.repeat(39)}`],
    'media',
    'it has 241 characters, at most 240 in Joliet',
  ],
  ['a name beyond the first plane', ['a\u{1f600}'], 'media', 'U+FFFF'],
  ['a character that Windows has not', ['a:b'], 'media', 'a character that Windows does not allow'],
  ['a semicolon, which ISO 9660 takes for a version', ['a;1'], 'media', 'a character that Windows does not allow'],
  ['a dot at the end', ['a.'], 'media', 'ends in a dot'],
  ['a way out', ['../a'], 'media', 'an empty component'],
  ['an absolute path', ['/a'], 'media', 'an empty component'],
  ['one file twice', ['a', 'a'], 'media', '`a` is listed twice'],
  ['two files that differ in case', ['Read.me', 'read.ME'], 'media', '`Read.me` and `read.ME` differ only in case'],
  [
    'a file that is a directory of another',
    ['a/B', 'a/b/c'],
    'media',
    '`a/B` is a file and also a directory of `a/b/c`',
  ],
])('%s', (_name, paths, code, message) => {
  test('is rejected before anything is written', async () => {
    const out = temporaryDirectory();
    const attempt = writeIso({ ...options, entries: paths.map((path) => bytes(path, 'x')), out: join(out, 'x.iso') });
    await expect(attempt).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
    expect(readdirSync(out)).toEqual([]);
  });
});

test('an invalid volume label is rejected', async () => {
  await expect(
    writeIso({ ...options, label: 'no good', entries: [], out: join(temporaryDirectory(), 'x.iso') }),
  ).rejects.toMatchObject({ code: 'media' });
});

describeWith(['xorriso'], 'an ISO image', () => {
  const LONG = `${'n'.repeat(95)}.tar.xz`;
  const DEEP = 'a/b/c/d/e/f/g/h/i/j/k/deep.txt';
  const TREE: Readonly<Record<string, string>> = {
    'x86_64/setup.ini': 'index',
    [`x86_64/release/long/${LONG}`]: 'long',
    [DEEP]: 'deep',
    'noarch/release/b+c~d/b+c~d-1.0-1.tar.zst': 'x'.repeat(5000),
    empty: '',
    'bl ank/\u00fc \u20ac=.txt': 'unicode',
    [`${'d'.repeat(100)}/${'e'.repeat(100)}/${'f'.repeat(38)}`]: 'as long as can be',
  };
  const treeEntries = (): IsoEntry[] => Object.entries(TREE).map(([path, text]) => bytes(path, text));

  test('other readers see the same files: in Rock Ridge', async () => {
    const dir = temporaryDirectory();
    const out = join(dir, 'x.iso');
    const { files, sizeBytes, sha512: hex } = await writeIso({ ...options, entries: treeEntries(), out });
    const image = readFileSync(out);
    expect([files, sizeBytes, hex]).toEqual([Object.keys(TREE).length, image.length, sha512(image)]);
    run('xorriso', '-no_rc', '-osirrox', 'on', '-indev', out, '-extract', '/', join(dir, 'back'));
    for (const [path, text] of Object.entries(TREE))
      expect(readFileSync(join(dir, 'back', path), 'utf8'), path).toBe(text);
    const paths = readdirSync(join(dir, 'back'), { recursive: true, withFileTypes: true }).filter((each) =>
      each.isFile(),
    );
    expect(paths).toHaveLength(Object.keys(TREE).length);
    run('chmod', '-R', 'u+w', join(dir, 'back'));
  });

  test.skipIf(!hasTool('bsdtar') && process.env['CI'] !== '1')(
    'is seen by others as it went in: in Joliet (skipped without bsdtar)',
    async () => {
      const out = join(temporaryDirectory(), 'x.iso');
      await writeIso({ ...options, entries: treeEntries(), out });
      const joliet = ['--options', 'iso9660:!rockridge', '-f', out] as const;
      const paths = run('bsdtar', '-t', ...joliet).split('\n');
      expect(paths.filter((path) => path in TREE).sort()).toEqual(Object.keys(TREE).sort());
      for (const [path, text] of Object.entries(TREE)) expect(run('bsdtar', '-xO', ...joliet, path), path).toBe(text);
    },
  );

  test('has the same bytes for the same input', async () => {
    const dir = temporaryDirectory();
    const before = process.env['TZ'];
    const made: Buffer[] = [];
    for (const [i, zone] of ['UTC', 'Asia/Tokyo'].entries()) {
      process.env['TZ'] = zone;
      const entries = [
        host('a/one.sh', join(dir, `${i} in`, 'one'), 'one'),
        host('two', join(dir, `${i} in`, 'two=2'), 'two'),
        bytes('three', 'three'),
      ];
      chmodSync(join(dir, `${i} in`, 'one'), i === 0 ? 0o600 : 0o755);
      utimesSync(join(dir, `${i} in`, 'two=2'), i, i);
      const out = join(dir, `${i}`, 'out.iso');
      await writeIso({ ...options, entries: i === 0 ? entries : entries.toReversed(), out });
      made.push(readFileSync(out));
    }
    process.env['TZ'] = before;
    expect(made[0]?.equals(made[1] ?? Buffer.alloc(0))).toBe(true);
    await writeIso({
      ...options,
      dateSeconds: DATE_SECONDS + 1,
      entries: [bytes('three', 'three')],
      out: join(dir, 'later.iso'),
    });
    expect(made[0]?.equals(readFileSync(join(dir, 'later.iso')))).toBe(false);
  });

  test('of a verified file that changed later is not published', async () => {
    const dir = temporaryDirectory();
    const { repo, lock } = await makeRepo(dir, { bash: ['5.1-1', 3000], zlib: ['1.2-1', 700] });
    const { verified } = await auditRepo(repo, [{ files: filesOfLock(lock), isComplete: true }]);
    const entries = verified.map((file) => ({ kind: 'verified', file }) as const);
    const out = join(dir, 'out/x.iso');
    expect(await writeIso({ ...options, entries, out })).toMatchObject({ files: 2 });
    const before = readFileSync(out);
    writeFileSync(verified[0]?.location ?? '', Buffer.alloc(3000));
    await expect(writeIso({ ...options, entries, out })).rejects.toMatchObject({
      code: 'verify',
      details: { fault: 'differs', differences: [{ kind: 'wrong-content', view: 'rock-ridge' }, { view: 'joliet' }] },
    });
    truncateSync(verified[0]?.location ?? '', 10);
    await expect(writeIso({ ...options, entries, out })).rejects.toMatchObject({
      code: 'verify',
      message: expect.stringContaining('has another size (and 1 more)'),
    });
    expect(readdirSync(dirname(out))).toEqual(['x.iso']);
    expect(readFileSync(out).equals(before)).toBe(true);
  });

  test('of a missing file fails with the message of xorriso', async () => {
    const dir = temporaryDirectory();
    const { repo, lock } = await makeRepo(dir, { bash: ['5.1-1', 3000] });
    const { verified } = await auditRepo(repo, [{ files: filesOfLock(lock), isComplete: true }]);
    const gone = verified.map(
      (file) => ({ kind: 'verified', file: { ...file, location: join(dir, 'gone') } }) as const,
    );
    const out = join(dir, 'out/x.iso');
    await expect(writeIso({ ...options, entries: gone, out })).rejects.toMatchObject({
      code: 'tool',
      message: expect.stringContaining('`xorriso` failed with exit code'),
      details: { fault: 'tool-failed', tail: expect.stringContaining('gone') },
    });
    await expect(
      writeIso({ ...options, entries: [{ kind: 'host', path: 'a', location: join(dir, 'gone') }], out }),
    ).rejects.toMatchObject({ code: 'io' });
    expect(readdirSync(dirname(out))).toEqual([]);
  });

  test('that is aborted leaves nothing', async () => {
    const dir = temporaryDirectory();
    const location = join(dir, 'in/large');
    host('large', location, '');
    truncateSync(location, 300_000_000);
    const stop = new AbortController();
    const writing = writeIso({
      ...options,
      entries: [{ kind: 'host', path: 'large', location }],
      out: join(dir, 'out/x.iso'),
      signal: stop.signal,
    });
    const sizeOf = (): number =>
      readdirSync(join(dir, 'out'), { recursive: true }).filter((name) => String(name).endsWith('image')).length;
    mkdirSync(join(dir, 'out'), { recursive: true });
    while (sizeOf() === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    stop.abort(new Error('stopped'));
    await expect(writing).rejects.toThrow('stopped');
    expect(readdirSync(join(dir, 'out'))).toEqual([]);
  });

  test('removes what a killed process left, but nothing of a running one', async () => {
    const dir = temporaryDirectory();
    const draft = (pid: number): string =>
      `.x.iso.${hostname().replaceAll(/[^A-Za-z0-9-]/g, '_')}.${pid}.0123456789ab.tmp`;
    for (const name of [draft(2 ** 30), draft(process.ppid), '.x.iso.elsewhere.5.0123456789ab.tmp', '.y.iso.tmp'])
      mkdirSync(join(dir, name));
    await writeIso({ ...options, entries: [bytes('a', 'a')], out: join(dir, 'x.iso') });
    expect(readdirSync(dir).sort()).toEqual(
      [draft(process.ppid), '.x.iso.elsewhere.5.0123456789ab.tmp', '.y.iso.tmp', 'x.iso'].sort(),
    );
  });

  test('is not written over a directory', async () => {
    const dir = temporaryDirectory();
    mkdirSync(join(dir, 'x.iso/in'), { recursive: true });
    await expect(writeIso({ ...options, entries: [bytes('a', 'a')], out: join(dir, 'x.iso') })).rejects.toMatchObject({
      code: 'io',
      details: { path: join(dir, 'x.iso') },
    });
    expect(readdirSync(dir)).toEqual(['x.iso']);
  });

  // The writer puts all metadata first, so the first megabyte and a sparse file show what readers see of the whole
  // image.
  test('contains files over 4 GiB and files after them, in both trees', async () => {
    const dir = temporaryDirectory();
    const [large, list, image] = ['large', 'list', 'image'].map((name) => join(dir, name)) as [string, string, string];
    const sizeBytes = 2 ** 32 + 5;
    writeFileSync(large, '');
    truncateSync(large, sizeBytes);
    writeFileSync(join(dir, 'z'), 'after');
    writeFileSync(
      list,
      graftList([
        { path: 'large.bin', location: large },
        { path: 'z', location: join(dir, 'z') },
      ]),
    );
    const pipe = join(dir, 'pipe');
    run('mkfifo', pipe);
    const head = createReadStream(pipe);
    const writer = spawn('xorriso', isoArgs({ ...options, list, image: pipe }), { stdio: 'ignore' });
    const written = new Promise((resolve) => writer.once('close', resolve));
    writeFileSync(image, '');
    let headBytes = 0;
    for await (const chunk of head as AsyncIterable<Buffer>) {
      appendFileSync(image, chunk);
      headBytes += chunk.length;
      if (headBytes >= 1 << 20) break;
    }
    await written;
    truncateSync(image, sizeBytes + 10_000_000);
    await using file = await open(image, 'r+');
    const { rockRidge, joliet } = await readIso(file);
    for (const tree of [rockRidge, joliet])
      expect(tree.map((each) => [each.path, each.sizeBytes])).toEqual([
        ['large.bin', sizeBytes],
        ['z', 5],
      ]);
    const startByte = rockRidge[1]?.extents[0]?.startByte ?? 0;
    expect(startByte).toBeGreaterThan(2 ** 32);
    await file.write('after', startByte);
    expect(run('xorriso', '-no_rc', '-indev', image, '-find', '/large.bin', '-exec', 'lsdl')).toContain(
      ` ${sizeBytes} `,
    );
    run('xorriso', '-no_rc', '-osirrox', 'on', '-indev', image, '-extract', '/z', join(dir, 'back'));
    expect(readFileSync(join(dir, 'back'), 'utf8')).toBe('after');
  });
});

test('without xorriso the hint names doctor', async () => {
  const dir = temporaryDirectory();
  const before = process.env['PATH'];
  process.env['PATH'] = dir;
  try {
    const attempt = writeIso({ ...options, entries: [bytes('a', 'a')], out: join(dir, 'out/x.iso') });
    await expect(attempt).rejects.toMatchObject({
      code: 'tool',
      message: '`xorriso` is not installed',
      hint: expect.stringContaining('`cygstrap doctor`'),
    });
  } finally {
    process.env['PATH'] = before;
  }
  expect(readdirSync(join(dir, 'out'))).toEqual([]);
});
