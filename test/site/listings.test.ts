import { describe, expect, test } from 'vitest';
import { listingPath, parseListing, parseSearch, searchQuery } from '../../src/site/listings.ts';

/** A page in the form of calm's. */
function pageOf(...lines: readonly string[]): string {
  return [
    '<!DOCTYPE html>',
    '<html>',
    '<head>',
    '<title>openssh: The OpenSSH server and client programs</title>',
    '</head>',
    '<body>',
    '<h1><a href="/packages/summary/openssh.html">openssh</a>: The OpenSSH server and client programs</h1>',
    '<pre>',
    ...lines,
    '</pre>',
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

describe('the list of a site', () => {
  test('has files, directories and links', () => {
    const page = pageOf(
      '    2024-07-01 10:00           0 usr/bin/',
      '    2024-07-01 10:00      123456 usr/bin/ssh.exe',
      '    2024-07-01 10:00           0 usr/bin/slogin -> ssh.exe',
      '    2024-07-01 10:00123456789012 usr/share/a <b> & c',
      '    2024-07-01 10:00           0 ./usr/lib/x -> a -> b',
    );
    expect(parseListing(page)).toEqual([
      { path: 'usr/bin', type: 'directory', size: 0 },
      { path: 'usr/bin/ssh.exe', type: 'file', size: 123456 },
      { path: 'usr/bin/slogin', type: 'symlink', size: 0, target: 'ssh.exe' },
      { path: 'usr/share/a <b> & c', type: 'file', size: 123456789012 },
      { path: 'usr/lib/x', type: 'symlink', size: 0, target: 'a -> b' },
    ]);
    expect(parseListing(pageOf())).toEqual([]);
  });

  test.each([
    ['a damaged package', pageOf('    2024-07-01 10:00           0 usr/', 'package is corrupted')],
    ['a page without a list', '<!DOCTYPE html>\n<html></html>\n'],
    ['a truncated page', pageOf('    2024-07-01 10:00           0 usr/').split('</pre>')[0] ?? ''],
    ['nothing', ''],
  ])('%s is none', (_name, page) => {
    expect(parseListing(page)).toBeUndefined();
  });

  test('has a path for each version', () => {
    expect(
      listingPath('x86_64/release/gcc/gcc-g++/gcc-g++-13.2.0-1.tar.xz', { name: 'gcc-g++', version: '13.2.0-1' }),
    ).toBe('packages/x86_64/gcc-g++/gcc-g++-13.2.0-1');
    expect(listingPath('src/release/gcc/gcc-13.2.0-1-src.tar.xz', { name: 'gcc-src', version: '13.2.0-1' })).toBe(
      'packages/src/gcc-src/gcc-13.2.0-1-src',
    );
  });
});

describe('the search of a site', () => {
  test('is a query with percent escapes only', () => {
    expect(searchQuery('x86_64', String.raw`[ /]a+é\.exe$`)).toBe(
      'text=1&arch=x86%5f64&grep=%5b%20%2f%5da%2b%c3%a9%5c%2eexe%24',
    );
  });

  test('answers with names and versions', () => {
    const answer = 'Found 2 matches for bin/gcc\ngcc-core-13.2.0-1 - gcc-core: GNU - Compiler\nccache-4.1-1 - \n';
    expect(parseSearch(answer)).toEqual(new Set(['gcc-core-13.2.0-1', 'ccache-4.1-1']));
    expect(parseSearch('Found 0 matches for x\n')).toEqual(new Set());
    expect(parseSearch('<html>')).toBeUndefined();
    expect(parseSearch('')).toBeUndefined();
  });
});
