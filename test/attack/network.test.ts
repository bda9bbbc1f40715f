import fc from 'fast-check';
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect } from 'vitest';
import { openIndex } from '../../src/input/open-index.ts';
import { InputError } from '../../src/input/input-error.ts';
import type { Scope } from '../../src/site/http/address-scope.ts';
import { FAST, PATH, URL_PATH, bytesOf, fetchFrom } from '../api/fetch/support.ts';
import { compressWith, cut } from '../input/support.ts';
import { siteAt } from '../site/guarded-site.ts';
import { fetchError } from '../site/support.ts';
import { FaultServer } from '../support/fault-server.ts';
import { fault } from '../support/faults.ts';
import type { Fault } from '../support/faults.ts';
import { attack } from './support.ts';

/** Large enough that a broken download is continued. */
const LARGE = bytesOf(1_500_000);
const SMALL = bytesOf(200_000);

/** An attempt, one more for a range that does not fit, and a redirect for each. */
const MAX_REQUESTS = 2 * (FAST.attemptsPerSite + 1);

interface Attack {
  readonly isLarge: boolean;
  readonly steps: readonly ((file: Buffer) => Fault)[];
  readonly hasGoodSite: boolean;
}

/** Fetches a file from a server with these responses, the last of which repeats, perhaps with a good site behind it. */
async function attempt({ isLarge, steps, hasGoodSite }: Attack): Promise<void> {
  const file = isLarge ? LARGE : SMALL;
  await using bad = await FaultServer.start({
    [URL_PATH]: steps.map((step) => step(file)),
    '/elsewhere': fault.serve(file),
    '/wrong': fault.wrongBytes(file),
  });
  await using good = await FaultServer.start({ [URL_PATH]: fault.serve(file, { etag: '"good"' }) });
  const { fetched, failed, root, target } = await fetchFrom(hasGoodSite ? [bad.url, good.url] : [bad.url], file);
  try {
    expect(fetched.length + failed.length).toBe(1);
    if (hasGoodSite) expect(failed).toEqual([]);
    if (fetched.length === 1) expect(readFileSync(target).equals(file)).toBe(true);
    else expect(existsSync(target)).toBe(false);
    for (const { why } of failed) expect(why).toContain(bad.url);
    const others = existsSync(dirname(target)) ? readdirSync(dirname(target)) : [];
    expect(others.filter((name) => !PATH.endsWith(name) && !name.includes('.part'))).toEqual([]);
    expect(bad.count()).toBeLessThanOrEqual(MAX_REQUESTS);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

const at = fc.double({ min: 0, max: 1, noNaN: true });
const tag = fc.constantFrom('"a"', '"b"', undefined);
const status = fc.constantFrom(200, 204, 206, 301, 400, 403, 404, 410, 416, 429, 500, 502, 503);

function tagged(etag: string | undefined): { readonly etag?: string } {
  return etag === undefined ? {} : { etag };
}

/** Another file of the same size. */
function other(file: Buffer): Buffer {
  return Buffer.from(file).swap16();
}

const cutAway = fc.tuple(at, tag, fc.boolean()).map(([where, etag, isReset]) => (file: Buffer): Fault => {
  const sentBytes = Math.floor(where * file.length);
  return isReset ? fault.resetMidBody(file, sentBytes, tagged(etag)) : fault.short(file, sentBytes, tagged(etag));
});

const lyingRange = fc.oneof(
  fc.tuple(at, at, fc.integer({ min: -9, max: 9 })).map(([first, start, more]) => (file: Buffer): Fault => {
    const from = Math.floor(first * file.length);
    const range = `bytes ${from}-${file.length - 1}/${file.length + more}`;
    return fault.wrongRange(file, Math.floor(start * file.length), range);
  }),
  tag.map(
    (etag) =>
      (file: Buffer): Fault =>
        fault.ignoredIfRange(other(file), tagged(etag)),
  ),
  tag.map(
    (etag) =>
      (file: Buffer): Fault =>
        fault.ignoredRange(other(file), tagged(etag)),
  ),
  at.map((length) => (file: Buffer): Fault => {
    return fault.status(416, { 'content-range': `bytes */${Math.floor(length * file.length)}` });
  }),
  // The total that makes the received part look complete.
  fc.constant((): Fault => (request, response) => {
    const from = /\d+/.exec(request.headers.range ?? '')?.[0] ?? '0';
    response.writeHead(416, { 'content-range': `bytes */${from}` }).end();
  }),
  fc.constant((file: Buffer): Fault => (request, response) => {
    const from = Number(/\d+/.exec(request.headers.range ?? '')?.[0] ?? 0);
    const range = `bytes ${from}-${file.length - 1}/${file.length}`;
    response.writeHead(206, { 'content-range': range }).end(other(file).subarray(from));
  }),
);

const wrongResponse = fc.oneof(
  status.map((code) => (): Fault => fault.status(code)),
  fc.constantFrom('binary', 'aws-chunked', 'gzip', 'x-xz', 'br', '').map((encoding) => (file: Buffer): Fault => {
    return fault.serve(file, { headers: { 'content-encoding': encoding } });
  }),
  fc.constant((file: Buffer): Fault => fault.gzipped(file)),
  fc.constant((file: Buffer): Fault => fault.wrongBytes(file)),
  fc.constant((file: Buffer): Fault => fault.cutChunk(file)),
  fc.constant((): Fault => fault.html('application/octet-stream')),
  fc.constant((): Fault => fault.garbage()),
  fc.constant((): Fault => fault.resetBeforeHeaders()),
  fc.constant((): Fault => fault.closeBeforeHeaders()),
  fc.nat({ max: 100_000 }).map(
    (more) =>
      (file: Buffer): Fault =>
        fault.surplus(file, more),
  ),
  fc.nat({ max: 100_000 }).map(
    (more) =>
      (file: Buffer): Fault =>
        fault.long(file, more),
  ),
  at.map(
    (length) =>
      (file: Buffer): Fault =>
        fault.serve(file.subarray(0, Math.floor(length * file.length))),
  ),
  fc.constantFrom('/elsewhere', '/wrong', URL_PATH, '/nowhere', 'ftp://127.0.0.1/', 'http://[').map((location) => {
    return (): Fault => fault.redirect(location);
  }),
);

const correct = tag.map(
  (etag) =>
    (file: Buffer): Fault =>
      fault.serve(file, tagged(etag)),
);

attack(
  'a download that breaks off at a random byte, and wrong responses to the request for its rest',
  'the right bytes, or an error with the site after a bounded number of requests; never wrong bytes',
  {
    count: 200,
    from: fc.record({
      isLarge: fc.constant(true),
      steps: fc
        .tuple(cutAway, fc.array(fc.oneof(lyingRange, cutAway), { minLength: 1, maxLength: 4 }), fc.boolean(), correct)
        .map(([first, rest, isMended, last]) => [first, ...rest, ...(isMended ? [last] : [])]),
      hasGoodSite: fc.boolean(),
    }),
  },
  attempt,
);

attack(
  'wrong statuses, lengths, encodings, bodies and redirects, in random order',
  'the right bytes, or an error with the site after a bounded number of requests; never wrong bytes',
  {
    count: 300,
    from: fc.record({
      isLarge: fc.boolean(),
      steps: fc.array(fc.oneof(wrongResponse, wrongResponse, cutAway, lyingRange, correct), {
        minLength: 1,
        maxLength: 5,
      }),
      hasGoodSite: fc.boolean(),
    }),
  },
  attempt,
);

const byte = fc.nat({ max: 255 });
const v4 = (first: fc.Arbitrary<readonly [number, number]>): fc.Arbitrary<readonly number[]> =>
  fc.tuple(first, byte, byte).map(([[a, b], c, d]) => [a, b, c, d]);
const pair = (a: number, b: fc.Arbitrary<number>) => b.map((second) => [a, second] as const);

const NEAR: Readonly<Record<Exclude<Scope, 'public'>, fc.Arbitrary<readonly number[]>>> = {
  loopback: v4(fc.oneof(pair(127, fc.integer({ min: 1, max: 255 })), pair(0, byte))),
  'link-local': v4(fc.constant([169, 254] as const)),
  private: v4(
    fc.oneof(
      pair(10, byte),
      pair(172, fc.integer({ min: 16, max: 31 })),
      pair(192, fc.constant(168)),
      pair(100, fc.integer({ min: 64, max: 127 })),
    ),
  ),
};

/** Notations of one address in a URL. */
const NOTATIONS: readonly ((bytes: readonly number[]) => string)[] = [
  (bytes) => bytes.join('.'),
  (bytes) => `0x${Buffer.from(bytes).toString('hex')}`,
  (bytes) => String(Buffer.from(bytes).readUInt32BE()),
  (bytes) => bytes.map((one) => `0${one.toString(8)}`).join('.'),
  ([a, b, c = 0, d = 0]) => `${a}.${b}.${c * 256 + d}`,
  (bytes) => `[::ffff:${bytes.join('.')}]`,
  (bytes) => `[64:ff9b::${bytes.join('.')}]`,
  (bytes) => `user:secret@${bytes.join('.')}`,
];

attack(
  'a redirect from a site to a private, link-local or loopback address, unless the site has such a one',
  'refused before a connection to the address',
  {
    count: 300,
    from: fc
      .constantFrom(
        ...(['public', 'private', 'link-local', 'loopback'] as const).flatMap((from) =>
          (['private', 'link-local', 'loopback'] as const).filter((to) => to !== from).map((to) => ({ from, to })),
        ),
      )
      .chain(({ from, to }) => fc.tuple(fc.constant(from), NEAR[to], fc.constantFrom(...NOTATIONS))),
  },
  async ([from, bytes, notation]) => {
    await using server = await FaultServer.start({ '/a': fault.redirect(`http://${notation(bytes)}:9/a`) });
    const opened = siteAt('site.test', server.url, from);
    const error = await fetchError(opened.open('a'));
    expect(error).toMatchObject({ kind: 'refused', isTransient: false });
    expect(error.why).toContain(`but the site is at a ${from} one`);
    expect(server.count()).toBe(1);
    await opened.close();
  },
);

const LIMIT_BYTES = 8 * 1024 * 1024;
const ZEROS = Buffer.alloc(LIMIT_BYTES);
const XZ = compressWith('xz', ['-0', '-c'], ZEROS);
/** 45,899,235 zeros, the most that one block of bzip2 holds. */
const BZ2 = Buffer.from('QlpoOTFBWSZTWQ4J4t8BX45AAMAAAAggADCATUZCoCWpCoCXF3JFOFCQDgni3w==', 'base64');

/** A frame of Zstandard with blocks that each repeat one byte. */
function zst(blocks: number): Buffer {
  const block = (isLast: 0 | 1): readonly number[] => {
    const header = (131_072 << 3) | 2 | isLast;
    return [header & 0xff, (header >> 8) & 0xff, (header >> 16) & 0xff, 0];
  };
  return Buffer.from([
    0x28,
    0xb5,
    0x2f,
    0xfd,
    0,
    0x88,
    ...Array.from({ length: blocks }, () => block(0)).flat(),
    ...block(1),
  ]);
}

const BOMBS: Readonly<Record<string, (times: number) => Buffer>> = {
  gz: (times) => Buffer.concat(Array.from({ length: times + 1 }, () => gzipSync(ZEROS))),
  xz: (times) => Buffer.concat(Array.from({ length: times + 1 }, () => XZ)),
  bz2: (times) => Buffer.concat(Array.from({ length: times }, () => BZ2)),
  zst: (times) => zst(64 * (times + 1)),
};

attack(
  'an index in xz, bz2, zst or gz that expands beyond the limit, in pieces of any size',
  'refused within the limit of text',
  {
    count: 24,
    from: fc.record({
      form: fc.constantFrom('gz', 'xz', 'bz2', 'zst'),
      times: fc.integer({ min: 1, max: 40 }),
      pieceBytes: fc.integer({ min: 1, max: 65_536 }),
    }),
  },
  async ({ form, times, pieceBytes }) => {
    const bomb = BOMBS[form]?.(times) ?? Buffer.alloc(0);
    let textBytes = 0;
    const read = async (): Promise<void> => {
      const { chunks } = openIndex(cut(bomb, pieceBytes), { limits: { maxTextBytes: LIMIT_BYTES } });
      for await (const chunk of chunks) textBytes += chunk.length;
    };
    await expect(read()).rejects.toSatisfy((error) => error instanceof InputError && error.code === 'limit');
    expect(textBytes).toBeLessThanOrEqual(LIMIT_BYTES);
  },
);
