import fc from 'fast-check';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { fetchRepo } from '../../src/api/fetch.ts';
import { readLock } from '../../src/api/lock-file.ts';
import { verifyRepo } from '../../src/api/verify.ts';
import type { Lock } from '../../src/core/lock/lock.ts';
import { printLock } from '../../src/core/lock/print.ts';
import { CygstrapError } from '../../src/errors.ts';
import { attack } from './support.ts';

const SITES = [resolve('fixtures/release')];
const KEYRING = [resolve('fixtures/release/key.gpg')];

let dir: string;
let repo: string;
let good: Lock;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'cygstrap-attack-lock-'));
  repo = join(dir, 'repo');
  const request = { packages: ['openssh'], source: true };
  await fetchRepo({ repo, lock: join(dir, 'good.json'), sites: SITES, keyring: KEYRING, ...request });
  good = await readLock(join(dir, 'good.json'));
});
afterAll(() => rmSync(dir, { recursive: true }));

/** Writes a lock and returns what `use` answers, or the code of the error. */
async function answerTo(text: string, use: (lock: string) => Promise<unknown>): Promise<unknown> {
  const lock = join(dir, 'lock.json');
  writeFileSync(lock, text);
  try {
    return await use(lock);
  } catch (error) {
    if (error instanceof CygstrapError) return error.code;
    throw error;
  }
}

const frozen = (lock: string) => fetchRepo({ repo, lock, sites: SITES, keyring: KEYRING, frozen: true });
const verify = (lock: string) => verifyRepo({ repo, locks: [lock] });

/** One field of one locked package, and a value that it does not have. */
const edit = fc.record({
  of: fc.nat(),
  field: fc.constantFrom('name', 'version', 'sha512', 'size', 'path'),
  with: fc.nat({ max: 15 }),
});

function edited({ of, field, with: digit }: { of: number; field: string; with: number }): Lock {
  const at = of % good.packages.length;
  const other = good.packages[(at + 1) % good.packages.length];
  const packages = good.packages.map((pkg, i) => {
    if (i !== at) return pkg;
    const [first = '', rest = ''] = [pkg.sha512?.[0], pkg.sha512?.slice(1)];
    const changed = {
      name: `${pkg.name}${digit}`,
      version: `${pkg.version}.${digit}`,
      sha512: `${((Number.parseInt(first, 16) + 1 + (digit % 15)) % 16).toString(16)}${rest}`,
      size: pkg.size + 1 + digit,
      path: other?.path ?? '',
    }[field];
    return { ...pkg, [field]: changed };
  });
  return { ...good, packages };
}

attack(
  'a lock of which a name, version, digest, size or path was edited',
  'refused by `fetch --frozen` and by `verify`',
  { count: 120, from: edit },
  async (input) => {
    const text = printLock(edited(input));
    expect(await answerTo(text, frozen)).toSatisfy((code) =>
      ['lock', 'fetch', 'verify', 'repo'].includes(String(code)),
    );
    const verified = await answerTo(text, verify);
    if (typeof verified === 'object') expect((verified as { damaged: number }).damaged).toBeGreaterThan(0);
    else expect(verified).toBe('lock');
  },
);

attack(
  'a lock that was cut, or of which bytes were replaced',
  'read as it was, or refused with its line',
  {
    count: 1000,
    from: fc.record({ at: fc.nat(), cut: fc.boolean(), byte: fc.string({ unit: 'binary', maxLength: 3 }) }),
  },
  async ({ at, cut, byte }) => {
    const text = readFileSync(join(dir, 'good.json'), 'utf8');
    const place = at % text.length;
    const changed = text.slice(0, place) + byte + (cut ? '' : text.slice(place + byte.length));
    const lock = await answerTo(changed, readLock);
    if (typeof lock === 'object') expect(printLock(lock as Lock).length).toBeGreaterThan(0);
    else expect(lock).toBe('lock');
  },
);
