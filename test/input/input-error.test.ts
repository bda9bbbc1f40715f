import { expect, test } from 'vitest';
import { DecodeFault, inputErrorFrom } from '../../src/input/input-error.ts';

const INDEX = { name: 'setup.xz', path: 'setup.xz', compression: 'xz' } as const;
const FAULT = new DecodeFault('unsupported', 'it has a SHA-256 check');

test.each([
  ['linux', ', which needs the program `xz`', 'install `xz`, or use `setup.zst` or `setup.ini`'],
  [
    'win32',
    ', which cygstrap cannot read on Windows',
    'use another form of the index: `setup.zst`, `setup.bz2` or `setup.ini`',
  ],
] as const)('xz data that the library does not support: %s', (platform, reason, hint) => {
  expect(inputErrorFrom(INDEX, FAULT, platform)).toMatchObject({
    code: 'io',
    message: `cannot decode \`setup.xz\` (xz): it has a SHA-256 check${reason}`,
    hint,
  });
});
