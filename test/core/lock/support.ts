import type { LoadedCatalog } from '../../../src/api/load-catalog.ts';
import { Catalog } from '../../../src/core/catalog/catalog.ts';
import type { Lock, LockedPackage, LockRequest } from '../../../src/core/lock/lock.ts';
import { parseText } from '../../../src/core/setup-ini/parser/parse.ts';
import { printLock } from '../../../src/core/lock/print.ts';

/** A digest of as many digits as asked for, which differs with its seed. */
export function hex(seed: string, digits = 128): string {
  return Array.from({ length: digits }, (_, i) => ((seed.charCodeAt(i % seed.length) + i) % 16).toString(16)).join('');
}

export function pkg(name: string, version: string, more: Partial<LockedPackage> = {}): LockedPackage {
  return {
    name,
    version,
    index: 0,
    path: `x86_64/release/${name}/${name}-${version}.tar.xz`,
    size: 100,
    sha512: hex(`${name}${version}`),
    ...more,
  };
}

export const REQUEST: LockRequest = {
  packages: [],
  categories: [],
  buildDepends: [],
  base: true,
  test: false,
  source: false,
  windows: '10.0.19045',
  arch: 'x86_64',
};

export function lock(packages: readonly LockedPackage[], request: Partial<LockRequest> = {}): Lock {
  return {
    schema: 1,
    resolver: 'cygstrap 0.1.0',
    request: { ...REQUEST, ...request },
    indexes: [
      { release: 'cygwin', arch: 'x86_64', timestamp: 1_700_000_000, sha512: hex('index'), signer: 'unsigned' },
    ],
    packages,
  };
}

/** Makes a catalog of lines like `a 1.0 [test] requires b (>= 2), c category Base obsoletes d`. */
export function catalogOf(table: string): LoadedCatalog {
  const records = table
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map(recordText);
  const text = `release: demo\narch: x86_64\nsetup-timestamp: 1700000000\n\n${records.join('\n')}`;
  const { header, records: parsed } = parseText(text, { file: 'table' });
  const catalog = Catalog.build([{ name: 'table', header, records: parsed }]);
  return {
    catalog,
    indexes: [
      {
        name: 'table',
        release: 'demo',
        arch: 'x86_64',
        timestamp: 1_700_000_000,
        setupVersion: null,
        sha512: hex(table),
      },
    ],
  };
}

function recordText(line: string): string {
  const [, name = '', version = '', label = '', rest = ''] = /^(\S+) (\S+)(?: (\[\w+\]))?(.*)$/.exec(line) ?? [];
  const part = (key: string): string | undefined =>
    new RegExp(` ${key} (.*?)(?= requires | category | obsoletes |$)`).exec(rest)?.[1];
  const field = (key: string, value: string | undefined): string => (value === undefined ? '' : `${key}: ${value}\n`);
  return [
    `@ ${name}\nsdesc: "${name}"\n`,
    field('category', part('category') ?? 'Misc'),
    label === '' ? '' : `${label}\n`,
    `version: ${version}\ninstall: x86_64/release/${name}/${name}-${version}.tar.xz 100 ${hex(`${name}${version}`)}\n`,
    field('depends2', part('requires')),
    field('obsoletes', part('obsoletes')),
  ].join('');
}

/** A lock with a source and a name that is not a plain word. */
export const SAMPLE = lock(
  [
    pkg('zlib', '1.3-1'),
    pkg('bash', '5.2-1', {
      source: {
        name: 'bash-src',
        version: '5.2-1',
        path: 'x86_64/release/bash/bash-5.2-1-src.tar.xz',
        size: 7,
        md5: hex('s', 32),
      },
    }),
    pkg('gcc-g++', '11.2-1'),
  ],
  { packages: ['bash', 'gcc-g++'] },
);

/** The text of `SAMPLE`. */
export const TEXT = printLock(SAMPLE);
