import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { DEFAULTS } from '../../src/api/defaults.ts';
import { choiceNote, chooseSites, sitesOfIndexes } from '../../src/api/site-choice.ts';

let home = '';
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'site-choice-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function userFile(text: string): void {
  const file = join(home, 'cygstrap/config.json');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

const NOTHING = { site: [], addSite: [], unsignedSite: [] };
const PROJECT = { file: 'cygstrap.json', config: { sites: ['https://project.example/'] } };
const EMPTY = { file: undefined, config: {} };

describe('the mirror of a command', () => {
  it('is that of the command line, then the variable, the project, the user, the default', async () => {
    userFile('{ "sites": ["https://user.example/"] }');
    const env = { XDG_CONFIG_HOME: home, CYGSTRAP_SITE: 'https://a.example/ https://b.example/' };
    expect((await chooseSites({ ...NOTHING, site: ['x'] }, PROJECT, env)).site).toEqual(['x']);
    expect((await chooseSites(NOTHING, PROJECT, env)).site).toEqual(['https://a.example/', 'https://b.example/']);
    const { CYGSTRAP_SITE: _site, ...rest } = env;
    expect((await chooseSites(NOTHING, PROJECT, rest)).config.sites).toEqual(['https://project.example/']);
    expect((await chooseSites(NOTHING, EMPTY, rest)).config.sites).toEqual(['https://user.example/']);
    rmSync(join(home, 'cygstrap'), { recursive: true });
    expect((await chooseSites(NOTHING, EMPTY, rest)).site).toEqual([DEFAULTS.site]);
  });

  it('is none with an empty list of the user', async () => {
    userFile('{ "sites": [] }');
    const choice = await chooseSites(NOTHING, EMPTY, { XDG_CONFIG_HOME: home });
    expect([choice.site, choice.config.sites]).toEqual([[], []]);
  });

  it('is named unless the command line names it', async () => {
    const env = { XDG_CONFIG_HOME: home };
    expect(choiceNote(await chooseSites({ ...NOTHING, site: ['x'] }, EMPTY, env), ['x'])).toBeUndefined();
    const choice = await chooseSites(NOTHING, PROJECT, env);
    expect(choiceNote(choice, ['https://project.example/', 'https://other.example/'])).toBe(
      'the mirror is `https://project.example/` and 1 more, from the project file `cygstrap.json`',
    );
  });

  it('cannot come with settings of a project', async () => {
    userFile('{ "sites": [], "packages": ["git"] }');
    await expect(chooseSites(NOTHING, EMPTY, { XDG_CONFIG_HOME: home })).rejects.toThrow(
      /sets `packages`, which belongs to a project/,
    );
  });
});

test('URLs of indexes are sites', () => {
  expect(sitesOfIndexes(['setup.xz', '-'])).toBeUndefined();
  expect(sitesOfIndexes(['https://m.example/cygwin/x86_64/setup.xz', 'http://n.example/x86_64/setup.ini'])).toEqual({
    sites: ['https://m.example/cygwin/', 'http://n.example/'],
    arch: 'x86_64',
  });
});

test.each([
  [['https://m.example/x86_64/setup.xz', 'setup.ini'], 'cannot name files and URLs'],
  [['https://m.example/'], 'not the URL of an index'],
  [['https://m.example/x86/setup.xz', 'https://m.example/x86_64/setup.xz'], 'different architectures'],
])('%j is refused', (indexes, message) => {
  expect(() => sitesOfIndexes(indexes)).toThrow(message);
});
