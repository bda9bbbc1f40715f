import { expect, test } from 'vitest';
import { packageInfo } from '../../src/api/info.ts';
import { loadCatalog } from '../../src/api/load-catalog.ts';
import { runCommand } from '../support/transcript.ts';

const DIGEST = 'e'.repeat(128);

const INDEX = `release: cygwin
arch: x86_64
setup-timestamp: 1

@ clang
sdesc: "C"
category: Devel
version: 5.0.1-1
install: a.tar.xz 1 ${'a'.repeat(128)}
[prev]
version: 5.0.1-2
install: b.tar.xz 1 ${'b'.repeat(128)}
[prev]
version: 4.9-1
install: c.tar.xz 1 ${'c'.repeat(128)}
[test]
version: 16.0+20250101-1
install: d.tar.xz 1 ${'d'.repeat(128)}
`;

test('the versions of a package: the newest first, and which of them is current', async () => {
  const loaded = await loadCatalog({ name: 'setup.ini', bytes: Buffer.from(INDEX) });
  expect(packageInfo(loaded, 'clang')?.versions).toMatchObject([
    { version: '16.0+20250101-1', isCurrent: false },
    { version: '5.0.1-2', isCurrent: false },
    { version: '5.0.1-1', isCurrent: true },
    { version: '4.9-1', isCurrent: false },
  ]);
});

test('the text has at most eight versions and the number of the others', async () => {
  const versions = Array.from({ length: 10 }, (_, i) => `[prev]\nversion: 1.${i}-1\ninstall: a.tar.xz 1 ${DIGEST}\n`);
  const { stdout } = await runCommand('cygstrap info many --index -', `@ many\nsdesc: "M"\n${versions.join('')}`);
  expect(stdout.match(/^\S+ \[prev\]/gm)).toEqual(
    ['1.9-1', '1.8-1', '1.7-1', '1.6-1', '1.5-1', '1.4-1', '1.3-1', '1.2-1'].map((version) => `${version} [prev]`),
  );
  expect(stdout).toMatch(/\n\n2 older versions: `--json` prints all\n$/);
});
