import { expect, test } from 'vitest';
import { quoteWindowsWord, setupLine } from '../../src/report/setup-line.ts';

test.each([
  ['--packages', '--packages'],
  ['C:\\repo', 'C:\\repo'],
  ['C:\\my repo\\', '"C:\\my repo\\\\"'],
  ['a,b', '"a,b"'],
  ['', '""'],
  ['say "so"', '"say \\"so\\""'],
  ['back\\"slash', '"back\\\\\\"slash"'],
  ['a&b', '"a&b"'],
  ['D:\\', 'D:\\'],
])('%s is quoted as %s', (word, expected) => {
  expect(quoteWindowsWord(word)).toBe(expected);
});

test.each([
  ['/home/user/repo', 'C:\\repo'],
  ['E:\\mirror', 'E:\\mirror'],
  ['\\\\server\\share', '\\\\server\\share'],
])('the directory %s is written as %s', (directory, expected) => {
  const command = { program: 'setup-x86_64.exe', arguments: ['--local-package-dir', directory, '--packages', 'a,b'] };
  expect(setupLine(command)).toBe(`setup-x86_64.exe --local-package-dir ${expected} --packages "a,b"`);
});

test.each([
  ['/home/user/key.gpg', 'key.gpg'],
  ['https://example/key.gpg', 'https://example/key.gpg'],
  ['PUBLIC-KEY', 'PUBLIC-KEY'],
  ['C:\\key.gpg', 'C:\\key.gpg'],
])('the public key %s is written as %s', (key, expected) => {
  expect(setupLine({ program: 'setup-x86_64.exe', arguments: ['--pubkey', key] })).toBe(
    `setup-x86_64.exe --pubkey ${expected}`,
  );
});
