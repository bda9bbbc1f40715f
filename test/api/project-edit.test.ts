import { expect, test } from 'vitest';
import { editPackages } from '../../src/api/project-edit.ts';

test.each([
  ['a list on one line', '{ "packages": ["vim"], "base": false }', '{ "packages": ["vim", "curl"], "base": false }'],
  [
    'a list on several lines',
    '{\n\t"base": false,\n\t"packages": [\n\t\t"vim"\n\t],\n\t"test": true\n}\n',
    '{\n\t"base": false,\n\t"packages": [\n\t\t"vim",\n\t\t"curl"\n\t],\n\t"test": true\n}\n',
  ],
  [
    'line ends of Windows and four blanks',
    '{\r\n    "packages": [\r\n        "vim"\r\n    ]\r\n}\r\n',
    '{\r\n    "packages": [\r\n        "vim",\r\n        "curl"\r\n    ]\r\n}\r\n',
  ],
  ['an empty list', '{\n  "packages": []\n}\n', '{\n  "packages": [\n    "curl"\n  ]\n}\n'],
  ['no list', '{\n  "base": false\n}\n', '{\n  "base": false,\n  "packages": [\n    "curl"\n  ]\n}\n'],
  ['an empty object', '{}', '{\n  "packages": [\n    "curl"\n  ]\n}'],
  ['a byte order mark', '\ufeff{ "packages": ["vim"] }', '\ufeff{ "packages": ["vim", "curl"] }'],
  ['the package in it', '{ "packages": ["curl","vim"] }', '{ "packages": ["curl","vim"] }'],
  ['another version in it', '{ "packages": ["curl=7", "vim"] }', '{ "packages": ["curl", "vim"] }'],
  ['two versions in it', '{ "packages": ["curl=7", "vim", "curl=8"] }', '{ "packages": ["curl", "vim"] }'],
])('a package is added to a project file with %s', (_what, before, after) => {
  expect(editPackages(before, { add: ['curl'] })).toBe(after);
  expect(editPackages(after, { add: ['curl'] })).toBe(after);
});

test.each([
  ['the only one', '{ "packages": ["vim=9"] }', '{ "packages": [] }'],
  ['the first', '{\n  "packages": [\n    "vim",\n    "git"\n  ]\n}\n', '{\n  "packages": [\n    "git"\n  ]\n}\n'],
  ['the last', '{ "packages": ["git", "vim"], "x": 1 }', '{ "packages": ["git"], "x": 1 }'],
  ['each of several', '{ "packages": ["vim", "git", "vim=9"] }', '{ "packages": ["git"] }'],
])('a package is removed that is %s', (_what, before, after) => {
  expect(editPackages(before, { remove: ['vim'] })).toBe(after);
});
