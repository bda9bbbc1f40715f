import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect } from 'vitest';
import { SFM_NAMES } from '../../src/guest/share-names.ts';
import { copyTree } from '../../src/stages/copy-tree.ts';
import { copyWhileChanging } from '../stages/changing-files.ts';
import { attack } from './support.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cyg-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const unusual = fc.constantFrom(...':"*<>?|\n\r\t\x01\x1b\x7f. -~$`\'\u0085\u200b\u202e', 'con', 'Ä', '😀', '..', 'a');
const names = fc
  .array(unusual, { minLength: 1, maxLength: 20 })
  .map((parts) => parts.join(''))
  .filter((name) => name !== '.' && name !== '..');

attack(
  'names that Windows does not allow, into a share and out of it',
  'the same names and content',
  { count: 200, from: fc.uniqueArray(names, { minLength: 1, maxLength: 20 }) },
  async (all) => {
    const [before, share, after] = ['before', 'share', 'after'].map((name) => join(root, name)) as [
      string,
      string,
      string,
    ];
    for (const path of [before, share, after]) rmSync(path, { recursive: true, force: true });
    mkdirSync(before);
    for (const name of all) writeFileSync(join(before, name), name);
    await copyTree(before, share, { nameOf: SFM_NAMES.storedName });
    // oxlint-disable-next-line no-control-regex -- control characters are the subject
    for (const stored of readdirSync(share)) expect(stored).not.toMatch(/[\x01-\x1f":*?<>|\\]|[. ]$/);
    await copyTree(share, after, { nameOf: SFM_NAMES.guestName });
    expect(readdirSync(after).sort()).toEqual([...all].sort());
    for (const name of all) expect(readFileSync(join(after, name), 'utf8')).toBe(name);
  },
);

attack(
  'stored names that would lead out of the target directory',
  'reported, nothing written outside',
  ['\uf029', '.\uf029', '\uf029.', '\uf029\uf029'],
  async (name) => {
    mkdirSync(join(root, 'share', name), { recursive: true });
    writeFileSync(join(root, 'share', name, 'escaped'), 'x');
    await expect(
      copyTree(join(root, 'share'), join(root, 'to'), { nameOf: SFM_NAMES.guestName }),
    ).rejects.toMatchObject({
      code: 'io',
      details: { failures: [{ path: name, why: 'its name cannot exist there' }] },
    });
    expect(readdirSync(join(root, 'to'))).toEqual([]);
    expect(readdirSync(root).sort()).toEqual(['share', 'to']);
    rmSync(join(root, 'share'), { recursive: true });
  },
);

attack(
  'files replaced, rewritten, grown, truncated, removed, or turned into links and FIFOs while they are copied',
  'content of one moment, or reported; no wait',
  Array.from({ length: 10 }, (_, i) => i),
  async () => copyWhileChanging(root, 30),
);

attack('100,000 small files', 'copied with less than 250 MiB of memory', [100_000], (count) => {
  const module = new URL('../../dist/stages/copy-tree.js', import.meta.url).href;
  const code = `
    import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
    const { copyTree } = await import(${JSON.stringify(module)});
    mkdirSync('from');
    for (let i = 0; i < ${count}; i++) writeFileSync('from/' + i, 'content');
    await copyTree('from', 'to', { nameOf: (name) => name });
    console.log(readdirSync('to').length, process.resourceUsage().maxRSS < 250 * 1024);`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    cwd: root,
    encoding: 'utf8',
  });
  expect({ stdout, stderr }).toEqual({ stdout: `${count} true\n`, stderr: '' });
});
