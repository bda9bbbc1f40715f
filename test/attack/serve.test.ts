import fc from 'fast-check';
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { beforeAll, expect } from 'vitest';
import { base, put, repo, send, server } from '../serve/support.ts';
import { attack } from './support.ts';

/** Content of each file that is not served; no served file contains one of these words. */
const SECRETS = /secret|unverified|root:|PRIVATE/;

const COUNTED = Buffer.from(Array.from({ length: 1000 }, (_, i) => `${i % 10}`).join(''));
const COUNTED_PATH = '/x86_64/release/counted.tar.xz';
const DATE = 'Sat, 03 Feb 2024 04:05:06 GMT';
beforeAll(() => {
  put(COUNTED_PATH, COUNTED);
  symlinkSync('/etc', join(repo, 'x86_64/etc'));
  symlinkSync('../../../outside.txt', join(repo, 'x86_64/release/leak.tar.xz'));
});

interface Response {
  readonly status: number;
  readonly body: string;
}

/** Sends bytes over a connection and returns all that the server sends until it closes. With `isWhole` the connection
 *  is then half closed: the server does not wait for more. */
function exchange(bytes: Uint8Array, isWhole: boolean): Promise<string> {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(port), hostname, () => (isWhole ? socket.end(bytes) : socket.write(bytes)));
    socket.on('data', (chunk: Buffer) => void chunks.push(chunk));
    // A reset is a closed connection.
    socket.on('error', () => {});
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
  });
}

async function get(target: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const text = await exchange(
    Buffer.from(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${lines.join('')}\r\n`, 'latin1'),
    false,
  );
  const end = text.indexOf('\r\n\r\n');
  return { status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1] ?? 0), body: end < 0 ? '' : text.slice(end + 4) };
}

/** Fails unless the server still sends a file. */
async function requireAlive(): Promise<void> {
  expect((await send(COUNTED_PATH)).body.equals(COUNTED)).toBe(true);
}

const DOTS = ['..', '.', '%2e%2e', '%2E.', '.%2e', '%252e%252e', '%c0%ae%c0%ae', '\u00e0\u0080\u00ae', '...'];
const SLASHES = ['/', '//', '/./', '%2f', '%5c', '\\', '%252f', '/%2f/', '%c0%af', '\u00c0\u00af'];
const NAMES = ['x86_64', 'release', 'odd', 'up', 'beside', 'unhidden', 'etc', 'passwd', 'outside.txt', 'file', 'lock'];
const HIDDEN = ['.cygstrap', '.CYGSTRAP', '.hidden', '%2ecygstrap', 'leak.txt', 'leak.tar.xz', 'half.tar.xz.part'];
const TAILS = ['%00', '\u0000', '%0d%0aX:%20y', '?x=/../..', '#', ';a', '::$DATA', '.', '%20', '~1', '', '', ''];
const segment = fc.oneof(
  fc.constantFrom(...DOTS, ...NAMES, ...HIDDEN),
  fc.string({ unit: 'binary', maxLength: 6 }).map((text) => text.replaceAll(/[\r\n ]/g, '')),
);
const target = fc
  .tuple(
    fc.constantFrom('', '/', '/', '/', '/odd/', '/x86_64/', 'http://other', 'file://', '//other', '*', '\\'),
    fc.array(fc.tuple(segment, fc.constantFrom(...SLASHES)), { minLength: 1, maxLength: 9 }),
    fc.constantFrom(...TAILS),
  )
  .map(([start, parts, tail]) => `${start}${parts.flat().join('')}${tail}`);

/** Paths of files that are not served: hidden, behind a link, unfinished, or outside of the repo. */
const SECRET_PATHS = [
  'odd/leak.txt',
  'odd/up/outside.txt',
  'odd/beside/file',
  'unhidden/lock',
  'x86_64/etc/passwd',
  'x86_64/release/leak.tar.xz',
  'x86_64/.hidden/file',
  '.cygstrap/lock',
  'x86_64/release/half.tar.xz.part.json',
  '../outside.txt',
  'x86_64/../../repo-beside/file',
];
/** A path of a file that is not served, with some characters encoded, and more between its components. */
const secretTarget = fc
  .tuple(
    fc.constantFrom(...SECRET_PATHS),
    fc.infiniteStream(fc.constantFrom('plain', 'plain', 'plain', 'upper', 'lower', 'twice')),
    fc.infiniteStream(fc.constantFrom('/', '/', '/', '//', '/./', '/%2e/', '/x86_64/../', '%2f')),
  )
  .map(([path, ways, slashes]) => {
    const encoded = (char: string): string => {
      const hex = char.charCodeAt(0).toString(16);
      const way = ways.next().value;
      if (way === 'plain') return char;
      return way === 'twice' ? `%25${hex}` : `%${way === 'upper' ? hex.toUpperCase() : hex}`;
    };
    return path
      .split('/')
      .map((name) => `${slashes.next().value}${Array.from(name, encoded).join('')}`)
      .join('');
  });

attack(
  'serve: the path of a file that is not served, with encodings and dot segments',
  'a page, or an error without content',
  {
    count: 1500,
    from: fc.oneof(
      secretTarget,
      secretTarget,
      fc.constantFrom(...SECRET_PATHS).map((path) => `/${path}`),
    ),
  },
  async (path) => {
    const { status, body } = await get(path);
    expect([200, 301, 400, 403, 404]).toContain(status);
    expect(body).not.toMatch(SECRETS);
  },
);

attack(
  'serve: a path of names, encodings, dot segments, NUL and other characters',
  'a served file or page, or an error without content',
  { count: 1000, from: target },
  async (path) => {
    const { status, body } = await get(path);
    expect([200, 301, 400, 403, 404]).toContain(status);
    expect(body).not.toMatch(SECRETS);
  },
);

const digits = fc.oneof(
  fc.constantFrom('', '0', '1', '999', '1000', '1001', '-1', '+1', '0x10', '1e3', ' 1', '9'.repeat(400)),
  fc.bigInt({ min: 0n, max: 10n ** 40n }).map(String),
  fc.nat({ max: 1100 }).map(String),
);
const range = fc.tuple(digits, fc.constantFrom('-', '-', '-', '', '--', ' - '), digits).map((parts) => parts.join(''));
const ranges = fc
  .tuple(
    fc.constantFrom('bytes=', 'bytes=', 'Bytes=', 'bytes', 'bytes =', 'items=', '='),
    fc.oneof(
      range.map((one) => [one]),
      fc.array(range, { maxLength: 300 }),
    ),
  )
  .map(([unit, list]) => `${unit}${list.join(',')}`);

attack(
  'serve: ranges with huge numbers, in hundreds, or malformed',
  'the bytes that the response names, the whole file, or 416',
  { count: 1500, from: ranges },
  async (text) => {
    const { status, headers, body } = await send(COUNTED_PATH, { headers: { range: text } });
    expect([200, 206, 416]).toContain(status);
    if (status === 200) expect(body.equals(COUNTED)).toBe(true);
    if (status !== 206) return;
    const [, start, end] = /^bytes (\d+)-(\d+)\/1000$/.exec(headers['content-range'] ?? '') ?? [];
    expect(body.equals(COUNTED.subarray(Number(start), Number(end) + 1))).toBe(true);
    expect(body.length).toBe(Number(end) - Number(start) + 1);
  },
);

const CONDITIONS = ['If-Match', 'If-None-Match', 'If-Modified-Since', 'If-Unmodified-Since', 'If-Range', 'Range'];
const condition = fc.oneof(
  fc.constantFrom('*', '""', '"', 'W/', 'W/"x"', '"x', '*,*', DATE, '0', 'Thu, 99 Foo 9999 99:99:99 GMT', '-1'),
  fc.constantFrom('bytes=0-9', `"${'x'.repeat(4000)}"`, '"a",'.repeat(500), 'Mon, 01 Jan 275761 00:00:00 GMT'),
  fc.string({ unit: 'binary', maxLength: 30 }).map((text) => text.replaceAll(/[^\x20-\x7e\x80-\xff]/g, '')),
);

attack(
  'serve: malformed conditions, alone and together',
  'the whole file, the range, or no content',
  {
    count: 1000,
    from: fc.dictionary(fc.constantFrom(...CONDITIONS), condition, { minKeys: 1, maxKeys: 4, noNullPrototype: true }),
  },
  async (headers) => {
    const { status, body } = await get(COUNTED_PATH, headers);
    expect([200, 206, 304, 412, 416]).toContain(status);
    if (status === 200) expect(body).toBe(COUNTED.toString());
    if (status === 206) expect(COUNTED.toString()).toContain(body);
  },
);

const REQUESTS = [
  `GET ${COUNTED_PATH} HTTP/1.1\r\nHost: x\r\n\r\n`,
  'GET /odd/leak.txt HTTP/1.1\r\nHost: x\r\n\r\n',
  'GET /.cygstrap/lock HTTP/1.0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /',
  'HEAD / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n',
  'CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: x\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`,
  'GET /\r\n',
  '\x16\x03\x01\x02\x00\x01\x00',
];
const garbage = fc
  .array(
    fc.oneof(
      fc.constantFrom(...REQUESTS).map((text) => Buffer.from(text, 'latin1')),
      fc
        .tuple(fc.constantFrom(...REQUESTS), fc.nat())
        .map(([text, at]) => Buffer.from(text.slice(0, at % text.length))),
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    ),
    { minLength: 1, maxLength: 5 },
  )
  .map((parts) => Buffer.concat(parts));

attack(
  'serve: bytes that are no requests, cut requests and several at once',
  'responses of HTTP or a closed connection; the server continues',
  { count: 600, from: garbage },
  async (bytes) => {
    const text = await exchange(bytes, true);
    expect(text === '' || text.startsWith('HTTP/1.1 ')).toBe(true);
    expect(text).not.toMatch(SECRETS);
    await requireAlive();
  },
);

attack(
  'serve: a file or directory that is replaced by a link, and back, between requests at the same time',
  'the file that was there, or an error without content',
  { count: 200, from: fc.array(fc.boolean(), { minLength: 2, maxLength: 6 }) },
  async (steps) => {
    const shown = join(repo, 'swap');
    const answers: Promise<Response>[] = [];
    for (const isLink of steps) {
      rmSync(shown, { recursive: true, force: true });
      if (isLink) symlinkSync(join(base, 'repo-beside'), shown);
      else {
        mkdirSync(shown);
        writeFileSync(join(shown, 'file'), 'served');
      }
      for (const path of ['/swap/file', '/swap/', '/swap']) answers.push(get(path));
      await Promise.resolve();
      const [link, file] = [join(base, 'link'), join(repo, 'x86_64/swapped')];
      rmSync(link, { force: true });
      if (isLink) symlinkSync(join(base, 'outside.txt'), link);
      else writeFileSync(link, readFileSync(join(repo, 'x86_64/setup.ini')));
      renameSync(link, file);
      answers.push(get('/x86_64/swapped'));
    }
    for (const { status, body } of await Promise.all(answers)) {
      expect([200, 301, 403, 404]).toContain(status);
      expect(body).not.toMatch(SECRETS);
    }
  },
);
