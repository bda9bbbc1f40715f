import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PROJECT } from './support/transcript.ts';

interface LockedPackage {
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
  readonly deprecated?: string;
}

function parsed(name: string): unknown {
  return JSON.parse(readFileSync(join(PROJECT, name), 'utf8'));
}

/** Returns the paths of the packages that users install with this one, for which a claim is true. */
function installed(claim: (locked: LockedPackage) => boolean): readonly string[] {
  const { packages } = parsed('package-lock.json') as { readonly packages: Readonly<Record<string, LockedPackage>> };
  return Object.entries(packages)
    .filter(([path, locked]) => path !== '' && locked.dev !== true && claim(locked))
    .map(([path]) => path);
}

test('no dependency has an install script', () => {
  expect(installed(() => true)).toContain('node_modules/openpgp');
  expect(installed(({ hasInstallScript }) => hasInstallScript === true)).toEqual([]);
});

test('no dependency is deprecated', () => {
  expect(installed(({ deprecated }) => deprecated !== undefined)).toEqual([]);
});

test('the package itself has no script that npm runs or warns of where it is installed', () => {
  const { scripts } = parsed('package.json') as { readonly scripts: Readonly<Record<string, string>> };
  const names = ['preinstall', 'install', 'postinstall', 'preprepare', 'prepare', 'postprepare'];
  expect(names.filter((name) => name in scripts)).toEqual([]);
});
