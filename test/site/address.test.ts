import { describe, expect, test } from 'vitest';
import { parseAddress } from '../../src/site/base/address.ts';
import { FetchError, redactAddress } from '../../src/site/base/fetch-error.ts';
import { retryAfterOf } from '../../src/site/http/response.ts';
import { retryDelay, RETRY_POLICY } from '../../src/site/retry.ts';

describe('addresses', () => {
  test.each([
    ['https://mirror.example.org', 'https://mirror.example.org/'],
    ['HTTPS://Mirror.Example.org:443/pub//', 'https://mirror.example.org/pub/'],
    ['http://me:x@mirror.example.org/a%20b/c', 'http://mirror.example.org/a%20b/c/'],
  ])('%s', (address, base) => {
    expect(parseAddress(address)).toMatchObject({ kind: 'http', base: new URL(base) });
  });

  test.each([
    ['./repo', './repo'],
    ['/srv/mirror', '/srv/mirror'],
    ['C:\\mirror', 'C:\\mirror'],
    ['./localhost:8080', './localhost:8080'],
    ['C:/8080', 'C:/8080'],
  ])('directory %s', (address, path) => {
    expect(parseAddress(address)).toEqual({ kind: 'directory', path });
  });

  test.skipIf(process.platform === 'win32')('file URL (skipped on Windows, where it has a drive)', () => {
    expect(parseAddress('file:///srv/a%20b/')).toEqual({ kind: 'directory', path: '/srv/a b/' });
  });

  test.each([
    '',
    'ftp://ftp.example.org/',
    'rsync://example.org/',
    'https://',
    'http://a b/',
    'https://me:secret@example.org/?x',
    'https://example.org/#x',
    'file://host/share/%2f',
    '127.0.0.1:8080',
    'mirror.example.org:80/cygwin',
    '[::1]:8080',
  ])('refused: %s', (address) => {
    expect(() => parseAddress(address)).toThrow(
      expect.objectContaining({ code: 'usage', message: expect.not.stringContaining('secret') }),
    );
  });

  test.each([
    ['https://me:secret@example.org/a?key=secret#secret', 'https://example.org/a'],
    ['https://me:secret@/x?secret', 'https:///x'],
    ['/srv/mirror?x', '/srv/mirror?x'],
    ['a path', 'a path'],
  ])('%s is shown as %s', (address, shown) => {
    expect(redactAddress(address)).toBe(shown);
  });
});

describe('what follows a failure', () => {
  const failure = (
    ...args: Parameters<(kind: FetchError['kind'], options?: ConstructorParameters<typeof FetchError>[3]) => void>
  ): FetchError => new FetchError(args[0], 'http://example.org/a', 'why', args[1]);

  test.each([
    ['first delay', failure('reset'), 1, 500],
    ['doubled', failure('connect'), 3, 2000],
    ['range: at once', failure('range'), 2, 0],
    ['Retry-After', failure('status', { status: 503, retryAfterMs: 9000 }), 1, 9000],
    ['a shorter Retry-After does not hurry us', failure('status', { status: 503, retryAfterMs: 1 }), 1, 500],
    ['the longest Retry-After', failure('status', { status: 429, retryAfterMs: 60_000 }), 1, 60_000],
    ['a longer one', failure('status', { status: 429, retryAfterMs: 60_001 }), 1, 'next-site'],
    ['the last attempt', failure('reset'), RETRY_POLICY.attemptsPerSite, 'next-site'],
    ['missing', failure('missing', { status: 404 }), 1, 'next-site'],
    ['wrong digest', Object.assign(new Error('x'), { code: 'verify' }), 1, 'next-site'],
    ['a site that lies', Object.assign(new Error('x'), { isSiteFault: true }), 1, 'next-site'],
    ['a full disk', Object.assign(new Error('x'), { code: 'ENOSPC' }), 1, 'stop'],
    ['no error at all', 'x', 1, 'stop'],
  ])('%s', (_name, error, attempt, expected) => {
    // 1 is just out of reach of a real one: the whole delay.
    expect(retryDelay(error, attempt, () => 1)).toBe(expected);
  });

  test('delays are between half and the whole, and bounded', () => {
    expect(retryDelay(failure('reset'), 2, () => 0)).toBe(500);
    expect(retryDelay(failure('reset'), 40, () => 0.5, { ...RETRY_POLICY, attemptsPerSite: 50 })).toBe(
      RETRY_POLICY.longestDelayMs * 0.75,
    );
  });

  test.each([
    [undefined, undefined],
    ['120', 120_000],
    [' 0 ', 0],
    ['-1', undefined],
    ['1e9', undefined],
    ['soon', undefined],
    ['Sat, 02 Aug 2025 10:00:10 GMT', 10_000],
    ['Sat, 02 Aug 2025 09:00:00 GMT', 0],
  ])('Retry-After: %s', (value, expected) => {
    expect(retryAfterOf(value, Date.UTC(2025, 7, 2, 10))).toBe(expected);
  });
});
