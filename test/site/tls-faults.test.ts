import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SiteSet } from '../../src/site/site-set.ts';
import type { FaultServer, FaultServerOptions } from '../support/fault-server.ts';
import { fault } from '../support/faults.ts';
import { hasOpenssl, makeCertificates } from './certificates.ts';
import type { Certificates } from './certificates.ts';
import { BYTES, fetchError, read, site, startServer } from './support.ts';

const dir = mkdtempSync(join(tmpdir(), 'cygstrap-tls-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const OLD = { ciphers: 'DEFAULT@SECLEVEL=0' } as const;

// Skipped where there is no openssl to make certificates with.
describe.skipIf(!hasOpenssl)('TLS faults (skipped without openssl, which makes the certificates)', () => {
  let good: Certificates;
  let expired: Certificates;
  let other: Certificates;
  let unknown: Certificates;
  beforeAll(() => {
    const make = (name: string, days?: number): Certificates =>
      makeCertificates(mkdtempSync(join(dir, 'certificates-')), name, days);
    good = make('IP:127.0.0.1');
    expired = make('IP:127.0.0.1', -1);
    other = make('DNS:mirror.example.org');
    unknown = make('IP:127.0.0.1');
  });

  const FAULTS: readonly (readonly [name: string, tls: () => FaultServerOptions['tls'], why: string])[] = [
    ['expired', () => expired, 'its certificate has expired'],
    ['another host', () => other, 'its certificate is for another host'],
    ['self-signed', () => unknown.authority, 'its certificate is self-signed'],
    ['an unknown authority', () => unknown, 'its certificate is from an unknown authority'],
    [
      'TLS 1.0',
      () => ({ ...good, ...OLD, minVersion: 'TLSv1', maxVersion: 'TLSv1' }),
      'it offers only old versions of TLS, which are not secure',
    ],
    [
      'TLS 1.1',
      () => ({ ...good, ...OLD, minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' }),
      'it offers only old versions of TLS, which are not secure',
    ],
    ['another protocol', () => ({ ...good, ALPNProtocols: ['spdy/1'] }), 'it offers no HTTP over TLS'],
    [
      'an old cipher',
      () => ({ ...good, ciphers: 'AES128-SHA', maxVersion: 'TLSv1.2' }),
      'it and this computer have no TLS cipher in common',
    ],
    ['no TLS', () => undefined, 'it does not respond with TLS'],
  ];

  const caFiles = (): string[] => [good.caFile, expired.caFile, other.caFile];

  async function faulty(tls: FaultServerOptions['tls']): Promise<FaultServer> {
    return startServer({ '/a': fault.serve(BYTES) }, tls === undefined ? {} : { tls });
  }

  test.each(FAULTS)('%s: no request is sent, and a repetition cannot help', async (_name, tls, why) => {
    const server = await faulty(tls());
    const from = site(server.url.replace('http:', 'https:'), { caFiles: caFiles() });
    expect(await fetchError(from.open('a'))).toMatchObject({
      kind: 'tls',
      isTransient: false,
      why: expect.stringContaining(`${why} (`),
    });
    expect(server.count()).toBe(0);
  });

  test.each(FAULTS)('%s: the next site is used', async (_name, tls) => {
    const server = await faulty(tls());
    const second = await faulty(good);
    const addresses = [server.url.replace('http:', 'https:'), second.url];
    const demoted: string[] = [];
    const set = new SiteSet(
      addresses.map((address) => site(address, { caFiles: caFiles() })),
      {
        report: (event) => void (event.kind === 'site-demoted' && demoted.push(event.site)),
        sleep: () => expect.unreachable('no delay'),
      },
    );
    expect(await set.attempt('a', (from) => read(from, 'a'))).toEqual(BYTES);
    expect(demoted).toEqual([`${addresses[0]}/`]);
    expect([server.count(), second.count()]).toEqual([0, 1]);
  });
});
