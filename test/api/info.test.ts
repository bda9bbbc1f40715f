import { expect, test } from 'vitest';
import { packageInfo } from '../../src/api/info.ts';
import { loadCatalog } from '../../src/api/load-catalog.ts';

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
