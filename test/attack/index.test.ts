import fc from 'fast-check';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { loadFromSites } from '../../src/api/load-from-sites.ts';
import type { SiteEntry } from '../../src/core/config/config.ts';
import { newestIndexes } from '../../src/core/lock/newest.ts';
import { CygstrapError } from '../../src/errors.ts';
import { findIndex } from '../../src/site/index-discovery.ts';
import type { FoundIndex, UnchangedIndex } from '../../src/site/index-discovery.ts';
import { openSite } from '../../src/site/open-site.ts';
import { SiteSet } from '../../src/site/site-set.ts';
import { readKeyring } from '../../src/trust/keyring.ts';
import { verifyDetached } from '../../src/trust/verify.ts';
import { FaultServer } from '../support/fault-server.ts';
import { fault } from '../support/faults.ts';
import { indexOf } from '../support/signed-site.ts';
import { craftKey, craftSignature } from '../trust/support.ts';
import { attack } from './support.ts';

const TRUSTED = craftKey('RSA');
const SECOND = craftKey('RSA');
const FOREIGN = craftKey('RSA');
const TIMES = [1_700_000_000, 1_700_100_000, 1_700_200_000] as const;
/** The newest index known of the trusted keys. */
const KNOWN = TIMES[1];
const FORMS = ['zst', 'xz', 'bz2', 'ini'] as const;

/** Everything that the keys ever signed: an old, a known and a new index by two trusted keys and a foreign one. */
const SIGNED = [TRUSTED, SECOND, FOREIGN].flatMap((key) =>
  TIMES.map((timestamp) => {
    const bytes = indexOf({ timestamp, release: 'made' });
    return { key, timestamp, bytes, signature: craftSignature(bytes, key) };
  }),
);
const dir = mkdtempSync(join(tmpdir(), 'cygstrap-attack-'));
writeFileSync(join(dir, 'trusted.gpg'), Buffer.concat([TRUSTED.file, SECOND.file]));
writeFileSync(join(dir, 'second.gpg'), SECOND.file);
const KEYRING = await readKeyring([join(dir, 'trusted.gpg')]);
const NEWEST = newestIndexes(
  [TRUSTED, SECOND].map(({ fingerprint }) => ({
    signer: fingerprint,
    release: 'made',
    arch: 'x86_64',
    timestamp: KNOWN,
  })),
);

let servers: readonly FaultServer[] = [];
beforeAll(async () => {
  servers = await Promise.all([1, 2, 3].map(() => FaultServer.start({})));
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.close()));
  rmSync(dir, { recursive: true, force: true });
});

/** A change of bytes: none, a bit, a cut, a repetition, more bytes. */
const change = fc.record({
  how: fc.constantFrom('none', 'none', 'none', 'bit', 'cut', 'repeat', 'append'),
  at: fc.double({ min: 0, max: 0.999, noNaN: true }),
  bit: fc.nat({ max: 7 }),
});

type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

function changed(bytes: Buffer, { how, at, bit }: Change): Buffer {
  const place = Math.floor(at * bytes.length);
  if (how === 'bit') return Buffer.from(bytes.map((byte, i) => (i === place ? byte ^ (1 << bit) : byte)));
  if (how === 'cut') return bytes.subarray(0, place);
  if (how === 'repeat') return Buffer.concat([bytes, bytes.subarray(place)]);
  return how === 'append' ? Buffer.concat([bytes, Buffer.of(bit)]) : bytes;
}

/** One form of an index at a site, made of anything that was ever signed. */
const pair = fc.record({
  index: fc.nat({ max: SIGNED.length - 1 }),
  indexChange: change,
  signature: fc.option(fc.nat({ max: SIGNED.length - 1 }), { freq: 6 }),
  signatureChange: change,
  isPairKept: fc.boolean(),
});

type Pair = typeof pair extends fc.Arbitrary<infer T> ? T : never;

interface Files {
  readonly index: Buffer;
  readonly signature: Buffer | undefined;
}

function filesOf({ index, indexChange, signature, signatureChange, isPairKept }: Pair): Files {
  const of = isPairKept ? SIGNED[index] : SIGNED[signature ?? 0];
  return {
    index: changed(SIGNED[index]?.bytes ?? Buffer.of(), indexChange),
    signature: signature === null || of === undefined ? undefined : changed(of.signature, signatureChange),
  };
}

/** Whether these are the unchanged bytes of one signed index with its signature, by a trusted key and not too old. */
function isGood({ index, signature }: Files): boolean {
  return SIGNED.some(
    (one) =>
      one.key !== FOREIGN &&
      one.timestamp >= KNOWN &&
      one.bytes.equals(index) &&
      signature !== undefined &&
      one.signature.equals(signature),
  );
}

function place(server: FaultServer, form: string, { index, signature }: Files): void {
  const path = `/x86_64/setup.${form}`;
  server.set(path, fault.serve(index));
  server.set(`${path}.sig`, signature === undefined ? fault.status(404) : fault.serve(signature));
}

function clear(server: FaultServer): void {
  for (const form of FORMS)
    for (const name of [`setup.${form}`, `setup.${form}.sig`]) server.set(`/x86_64/${name}`, fault.status(404));
}

/** Finds the index of sites; returns the error if there is none. */
async function find(
  from: readonly FaultServer[],
  unsigned: boolean,
): Promise<FoundIndex | UnchangedIndex | CygstrapError> {
  const sites = new SiteSet(
    from.map(({ url }) => openSite(url, { userAgent: 'attack' })),
    { policy: { attemptsPerSite: 1 } },
  );
  const verify = (bytes: Uint8Array, signature: Uint8Array) => verifyDetached(bytes, signature, KEYRING);
  try {
    return await findIndex(sites, { arch: 'x86_64', trustOf: () => ({ verify, unsigned }), newest: NEWEST });
  } catch (error) {
    if (error instanceof CygstrapError) return error;
    throw error;
  } finally {
    await sites.close();
  }
}

/** Checks that what was found was signed by a trusted key, byte by byte, and is not older than the newest known. */
function expectSigned(found: FoundIndex | UnchangedIndex | CygstrapError): void {
  if (found instanceof CygstrapError) {
    expect(['signature', 'older-index', 'not-found', 'fetch']).toContain(found.code);
    return;
  }
  if (found.kind === 'unchanged') expect.unreachable('nothing was known');
  const original = SIGNED.find(({ key, bytes }) => key.fingerprint === found.signer && bytes.equals(found.bytes));
  expect(original?.timestamp ?? 0).toBeGreaterThanOrEqual(KNOWN);
  expect(original?.key).not.toBe(FOREIGN);
}

attack(
  'an index and a signature: old, new, swapped, changed, cut, by trusted and foreign keys',
  'only bytes that a trusted key signed, not older than the newest known',
  { count: 800, from: fc.array(pair, { minLength: 1, maxLength: 2 }) },
  async (pairs) => {
    const [server] = servers;
    if (server === undefined) return;
    clear(server);
    const files = pairs.map(filesOf);
    for (const [i, each] of files.entries()) place(server, FORMS[i] ?? 'ini', each);
    const found = await find([server], false);
    expectSigned(found);
    const [first] = files;
    if (first !== undefined && isGood(first)) expect(found).toMatchObject({ kind: 'found', bytes: first.index });
  },
);

attack(
  'the same at a site whose index may be unsigned',
  'the same; or announced as unsigned, if no signature names a trusted key',
  { count: 800, from: pair },
  async (one) => {
    const [server] = servers;
    if (server === undefined) return;
    clear(server);
    const files = filesOf(one);
    place(server, 'ini', files);
    const found = await find([server], true);
    if (!(found instanceof CygstrapError) && found.kind === 'found' && found.signer === 'unsigned') {
      expect(found.warnings).toEqual([expect.stringContaining('is UNSIGNED and was not verified')]);
      const signature = files.signature ?? Buffer.of();
      for (const { keyId } of [TRUSTED, SECOND]) expect(signature.includes(Buffer.from(keyId, 'hex'))).toBe(false);
    } else expectSigned(found);
    if (isGood(files)) expect(found).toMatchObject({ kind: 'found', bytes: files.index });
  },
);

attack(
  'a mirror that is updated, or redirects to other files, between any two requests',
  'only bytes that a trusted key signed, not older than the newest known',
  {
    count: 400,
    from: fc.record({ states: fc.array(pair, { minLength: 2, maxLength: 4 }), redirects: fc.array(fc.boolean()) }),
  },
  async ({ states, redirects }) => {
    const [server] = servers;
    if (server === undefined) return;
    clear(server);
    for (const form of FORMS) {
      for (const [at, suffix] of ['', '.sig'].entries()) {
        const path = `/x86_64/setup.${form}${suffix}`;
        // Each request, for the index or the signature, sees the state after the one before it.
        const bytes = states.map(filesOf).map(({ index, signature }) => (at === 0 ? index : signature));
        const answers = bytes.map((each, i) => {
          if (each === undefined) return fault.status(404);
          if (redirects[i] !== true) return fault.serve(each);
          server.set(`/moved/${form}${i}${suffix}`, fault.serve(each));
          return fault.redirect(`/moved/${form}${i}${suffix}`);
        });
        server.set(path, at === 0 ? answers.slice(1) : answers);
      }
    }
    expectSigned(await find([server], false));
  },
);

attack(
  'three sites, each with an index of another age, signer or signature',
  'the first site with a signed index that is not older, or an error',
  { count: 400, from: fc.array(pair, { minLength: 3, maxLength: 3 }) },
  async (pairs) => {
    const files = pairs.map(filesOf);
    for (const [i, server] of servers.entries()) {
      clear(server);
      const each = files[i];
      if (each !== undefined) place(server, 'ini', each);
    }
    const found = await find(servers, false);
    expectSigned(found);
    const best = files.findIndex(isGood);
    if (best < 0) return;
    if (found instanceof CygstrapError) throw found;
    // A change of a signature can be harmless: bytes after it, or in a part that is not hashed.
    expect(servers.findIndex(({ url }) => found.site.name === `${url}/`)).toBeLessThanOrEqual(best);
  },
);

/** The signature of a site's index, and whether a trust accepts it. */
const SIGNATURES = ['none', 'trusted', 'second', 'foreign', 'changed'] as const;
const TRUSTS = ['common', 'own key', 'unsigned', 'own key or unsigned'] as const;

type Signature = (typeof SIGNATURES)[number];
type Trust = (typeof TRUSTS)[number];

/** The common keyring has both trusted keys; the own key is the second one. */
function signerFor(signature: Signature, trust: Trust): string | undefined {
  const isOwn = trust.startsWith('own key');
  if (signature === 'changed') return isOwn && trust.endsWith('unsigned') ? 'unsigned' : undefined;
  if (signature === 'second') return SECOND.fingerprint;
  if (signature === 'trusted' && !isOwn) return TRUSTED.fingerprint;
  return trust.endsWith('unsigned') ? 'unsigned' : undefined;
}

function placeSigned(server: FaultServer, name: string, signature: Signature): void {
  clear(server);
  const bytes = indexOf({ name });
  const key = { none: undefined, trusted: TRUSTED, second: SECOND, foreign: FOREIGN, changed: TRUSTED }[signature];
  place(server, 'ini', {
    index: signature === 'changed' ? indexOf({ name, timestamp: TIMES[2] }) : bytes,
    signature: key === undefined ? undefined : craftSignature(bytes, key),
  });
}

function entryOf({ url }: FaultServer, trust: Trust): SiteEntry {
  if (trust === 'common') return url;
  return {
    address: url,
    ...(trust.startsWith('own key') && { keys: [join(dir, 'second.gpg')] }),
    unsigned: trust.endsWith('unsigned'),
  };
}

attack(
  'a main site and another site, with each signature and each trust of their own',
  'each index is accepted by the trust of its own site alone',
  SIGNATURES.flatMap((a) =>
    TRUSTS.flatMap((b) => SIGNATURES.flatMap((c) => TRUSTS.map((d) => ({ main: [a, b], other: [c, d] }) as const))),
  ),
  async ({ main, other }) => {
    const [first, second] = servers;
    if (first === undefined || second === undefined) return;
    placeSigned(first, 'tool', main[0]);
    placeSigned(second, 'mytool', other[0]);
    const signers = [signerFor(...main), signerFor(...other)];
    const loaded = loadFromSites({
      sites: [entryOf(first, main[1])],
      addSites: [entryOf(second, other[1])],
      keyring: [join(dir, 'trusted.gpg')],
    });
    if (signers.includes(undefined)) await expect(loaded).rejects.toMatchObject({ code: 'signature' });
    else expect((await loaded).signers).toEqual(signers);
  },
);
