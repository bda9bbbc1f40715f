import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Catalog } from '../../../src/core/catalog/catalog.ts';
import { similarPackages } from '../../../src/core/resolve/suggest.ts';
import { parseText } from '../../../src/core/setup-ini/parser/parse.ts';
import { didYouMean } from '../../../src/similar.ts';

const { header, records } = parseText(readFileSync('fixtures/resolve/similar-names.ini', 'utf8'), { file: 'test' });
const catalog = Catalog.build([{ name: 'test', header, records }]);

describe('packages for a name that no package has', () => {
  it.each([
    ['another case', 'GCC-core', ['gcc-core']],
    ['the main package of a source', 'gcc', ['gcc-core', 'gcc-ada', 'gcc-g++']],
    ['a version in the name', 'gcc4', ['gcc-core', 'gcc-ada', 'gcc-g++']],
    ['the end of a name, not of a cross compiler', 'g++', ['gcc-g++']],
    ['the program of a package that others require', 'ssh', ['openssh', 'autossh']],
    ['the name of the headers elsewhere', 'libssl-dev', ['libssl-devel']],
    ['headers by their source', 'openssl-dev', ['libssl-devel']],
    ['headers without lib', 'ncurses-dev', ['libncurses-devel']],
    ['an older version in the name', 'python3-pip', ['python39-pip']],
    ['other hyphens', 'gcccore', ['gcc-core']],
    ['headers for every version, then for one', 'python-dev', ['python3-devel', 'python39-devel']],
    ['headers of a library with its version and a variant', 'libcurl4-openssl-dev', ['libcurl-devel']],
    ['headers of a library with a letter after its version', 'zlib1g-dev', ['zlib-devel']],
    ['a library with a number in its name', 'gtk3', ['libgtk3_0', 'gtk3-demo']],
    ['a word after the name', 'openssh-server', ['openssh']],
    ['a word after a short name, and another package that is spelled like it', 'git-core', ['git']],
    ['a word before the name', 'iputils-ping', ['ping']],
    ['one character more', 'bash-completions', ['bash-completion']],
    ['two characters swapped', 'opnessh', ['openssh']],
    ['a program in a description', 'telnet', ['inetutils', 'inetutils-server', 'expect']],
    ['characters of a pattern', 'a(b[c', []],
    ['nothing', 'zzzzzz', []],
  ])('%s: %s', (_what, typed, expected) => {
    expect(similarPackages(typed, catalog.packages.values())).toEqual(expected);
  });
});

describe('packages that are known to have a program of the name', () => {
  it.each([
    ['replace those with a similar name', 'opnessh', ['expect'], ['expect']],
    ['replace those with it in a description', 'telnet', ['openssh'], ['openssh']],
    ['come after those named like it', 'gcc', ['git'], ['gcc-core', 'gcc-ada', 'gcc-g++']],
    ['are named once', 'ssh', ['openssh'], ['openssh', 'autossh']],
    ['count if they exist', 'zzzzzz', ['no-such-package'], []],
  ])('%s: %s', (_what, typed, withProgram, expected) => {
    expect(similarPackages(typed, catalog.packages.values(), new Set(withProgram))).toEqual(expected);
  });
});

describe('words like another', () => {
  const words = ['Devel', 'Doc', 'Net'];
  it.each([
    ['devel', ['Devel']],
    ['Develo', ['Devel']],
    ['Nte', ['Net']],
    ['Graphics', []],
  ])('%s', (typed, expected) => {
    expect(didYouMean(typed, words)).toEqual(expected);
  });
});
