import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadCatalog } from '../../src/api/load-catalog.ts';
import type { LockSource } from '../../src/api/lock.ts';
import { outdatedPackages } from '../../src/api/outdated.ts';
import { changeProject } from '../../src/api/project-change.ts';
import { initProject } from '../../src/api/project-init.ts';
import { parseLock } from '../../src/core/lock/parse.ts';
import { PROJECT } from '../support/transcript.ts';

const INDEX = readFileSync(join(PROJECT, 'fixtures/demo/setup.ini'), 'utf8');

/** The index, and one of a later day in which bash and vim have moved. */
let source: LockSource;
let later: LockSource;
beforeAll(async () => {
  const moved = INDEX.replaceAll('bash-5.2.21-1', 'bash-5.2.22-1')
    .replace('version: 5.2.21-1\n', 'version: 5.2.22-1\n')
    .replaceAll('vim-9.1.0-1', 'vim-9.1.1-1')
    .replace('version: 9.1.0-1\n', 'version: 9.1.1-1\n');
  const load = (text: string) => loadCatalog([{ name: 'setup.ini', bytes: Buffer.from(text) }]);
  source = await load(INDEX);
  later = await load(`${moved}\n${oldVersions()}`);
});

/** The versions of bash and vim that the first index has, as previous ones. */
function oldVersions(): string {
  const blocks = INDEX.split(/^(?=@ )/m).filter((block) => /^@ (bash|vim)\n/.test(block));
  return blocks.map((block) => block.replace(/^version: /m, '[prev]\nversion: ')).join('\n');
}

let dir: string;
let file: string;
let lock: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cygstrap-project-'));
  file = join(dir, 'cygstrap.json');
  lock = join(dir, 'cygstrap.lock.json');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const projectText = (): string => readFileSync(file, 'utf8');
const locked = (): Record<string, string> =>
  Object.fromEntries(parseLock(readFileSync(lock, 'utf8'), lock).packages.map(({ name, version }) => [name, version]));

describe('changeProject', () => {
  it('adds to the project file and the lock, and keeps all other versions', async () => {
    writeFileSync(file, '{ "packages": ["vim"], "repo": "r" }');
    await changeProject(source, { file, add: [] });
    expect(locked()).toMatchObject({ vim: '9.1.0-1', bash: '5.2.21-1' });
    const result = await changeProject(later, { file, add: ['curl'] });
    expect(projectText()).toBe('{ "packages": ["vim", "curl"], "repo": "r" }');
    expect(result).toMatchObject({
      kind: 'changed',
      written: true,
      project: { written: true, packages: ['vim', 'curl'] },
      difference: { added: [{ name: 'curl' }, {}, {}], removed: [], changed: [] },
    });
    expect(locked()).toMatchObject({ vim: '9.1.0-1', bash: '5.2.21-1', curl: '8.6.0-1' });
    expect(parseLock(readFileSync(lock, 'utf8'), lock).request.packages).toEqual(['curl', 'vim']);
  });

  it('removes from both, and only what nothing else needs', async () => {
    writeFileSync(file, '{ "packages": ["vim", "curl", "libintl8"] }');
    await changeProject(source, { file });
    const result = await changeProject(later, { file, remove: ['curl', 'libintl8'] });
    expect(result).toMatchObject({
      stillNeeded: [{ name: 'libintl8', chains: [{ reason: 'base' }] }],
      difference: { removed: [{ name: 'curl' }, { name: 'libcurl4' }, { name: 'libssl3' }], changed: [] },
    });
    expect(projectText()).toBe('{ "packages": ["vim"] }');
    expect(locked()).toMatchObject({ vim: '9.1.0-1', bash: '5.2.21-1' });
  });

  it('pins a version, and removes the pin', async () => {
    writeFileSync(file, '{ "packages": ["vim"] }');
    await changeProject(source, { file, add: ['vim=9.0.2155-1'] });
    expect([projectText(), locked()['vim']]).toEqual(['{ "packages": ["vim=9.0.2155-1"] }', '9.0.2155-1']);
    await changeProject(source, { file, add: ['vim'] });
    expect([projectText(), locked()['vim']]).toEqual(['{ "packages": ["vim"] }', '9.0.2155-1']);
  });

  it('writes nothing if there is no plan', async () => {
    writeFileSync(file, '{ "packages": ["vim"] }');
    await changeProject(source, { file });
    const before = [projectText(), readFileSync(lock, 'utf8')];
    expect(await changeProject(source, { file, add: ['crul'] })).toMatchObject({
      kind: 'conflict',
      conflicts: [{ suggestions: ['did you mean `curl`?'] }],
    });
    await expect(changeProject(source, { file, add: ['a b'] })).rejects.toThrow(/must be a package as NAME/);
    expect([projectText(), readFileSync(lock, 'utf8')]).toEqual(before);
  });

  it.each([
    ['between its two files', true],
    ['before', false],
  ])('completes a change that was interrupted %s', async (_when, isLockWritten) => {
    for (const change of [{ add: ['curl'] }, { remove: ['vim'] }]) {
      const text = '{ "packages": ["vim"], "base": false }';
      writeFileSync(file, text);
      rmSync(lock, { force: true });
      await changeProject(source, { file });
      const old = readFileSync(lock, 'utf8');
      await changeProject(source, { file, ...change });
      const [project, after] = [projectText(), readFileSync(lock, 'utf8')];
      // The lock is written first.
      writeFileSync(file, text);
      if (!isLockWritten) writeFileSync(lock, old);
      expect(await changeProject(source, { file, ...change })).toMatchObject({
        kind: 'changed',
        project: { written: true },
      });
      expect([projectText(), readFileSync(lock, 'utf8')]).toEqual([project, after]);
    }
  });

  it('removes no package that only others ask for', async () => {
    writeFileSync(file, '{ "packages": ["curl"] }');
    await changeProject(source, { file });
    const error = (name: string) => changeProject(source, { file, remove: [name] });
    expect(await error('libssl3')).toMatchObject({
      kind: 'absent',
      error: {
        message: [
          `\`libssl3\` is not in \`${file}\`; others need it:`,
          '  curl 8.6.0-1 [requested]',
          '  └── libcurl4 8.6.0-1',
          '      └── libssl3 3.0.13-1',
        ].join('\n'),
        hint: 'remove `curl`, and it goes too if nothing else needs it',
      },
    });
    expect(await error('bash')).toMatchObject({
      error: { hint: 'category Base needs it, which setup always installs' },
    });
    expect(await error('crul')).toMatchObject({
      error: { message: `\`crul\` is not in \`${file}\``, hint: 'did you mean `curl`?' },
    });
  });

  it('needs a project file, and a lock that can be read', async () => {
    await expect(changeProject(source, { file, add: ['vim'] })).rejects.toMatchObject({ code: 'not-found' });
    writeFileSync(file, '{}');
    writeFileSync(lock, '<<<<<<< ours');
    await expect(changeProject(source, { file, add: ['vim'] })).rejects.toMatchObject({ code: 'lock' });
  });
});

describe('initProject', () => {
  it('writes a project file, and replaces none', async () => {
    await initProject({ file, packages: ['vim', 'git=2'], sites: ['https://m.example/'] });
    expect(JSON.parse(projectText())).toEqual({
      $schema: expect.stringContaining('cygstrap.schema.json'),
      packages: ['vim', 'git=2'],
      sites: ['https://m.example/'],
    });
    await expect(initProject({ file })).rejects.toMatchObject({ code: 'usage' });
    await expect(initProject({ file: lock, packages: ['a b'] })).rejects.toMatchObject({ code: 'usage' });
  });
});

describe('outdatedPackages', () => {
  it('lists newer versions, test versions only for a lock with them', async () => {
    writeFileSync(file, '{ "packages": ["vim", "libssl3"] }');
    await changeProject(source, { file });
    const made = parseLock(readFileSync(lock, 'utf8'), lock);
    expect(outdatedPackages(source, made)).toEqual([]);
    expect(outdatedPackages(later, made)).toEqual([
      { name: 'bash', locked: '5.2.21-1', newest: '5.2.22-1' },
      { name: 'vim', locked: '9.1.0-1', newest: '9.1.1-1' },
    ]);
    const withTest = { ...made, request: { ...made.request, test: true } };
    expect(outdatedPackages(source, withTest).map(({ name }) => name)).toContain('libssl3');
  });
});
