import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openSite } from '../../src/site/open-site.ts';
import { fault } from '../support/faults.ts';
import { PROJECT } from '../support/transcript.ts';
import { hasOpenssl, makeCertificates } from './certificates.ts';
import type { Certificates } from './certificates.ts';
import { startProxy } from './proxy-server.ts';
import { BYTES, fetchError, read, site, startServer, USER_AGENT } from './support.ts';

const dir = mkdtempSync(join(tmpdir(), 'cygstrap-tls-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

// Skipped where there is no openssl to make certificates with.
describe.skipIf(!hasOpenssl)('https (skipped without openssl, which makes the certificates)', () => {
  let tls: Certificates;
  beforeAll(() => {
    tls = makeCertificates(dir, 'IP:127.0.0.1');
  });

  test('an authority of our own is trusted when named, besides the usual ones', async () => {
    const server = await startServer({ '/a': fault.serve(BYTES) }, { tls });
    expect(await read(site(server.url, { caFiles: [tls.caFile] }), 'a')).toEqual(BYTES);
    expect(server.log[0]?.httpVersion).toBe('1.1');
  });

  test('what NODE_EXTRA_CA_CERTS names still counts beside it', async () => {
    const server = await startServer({ '/a': fault.serve(BYTES) }, { tls });
    const other = mkdtempSync(join(dir, 'other-'));
    const caFiles = [makeCertificates(other, 'IP:127.0.0.2').caFile];
    expect((await fetchError(site(server.url, { caFiles }).open('a'))).kind).toBe('tls');
    expect(await read(site(server.url, { caFiles, env: { NODE_EXTRA_CA_CERTS: tls.caFile } }), 'a')).toEqual(BYTES);
  });

  test('is not trusted otherwise, and no retry mends that', async () => {
    const server = await startServer({ '/a': fault.serve(BYTES) }, { tls });
    const error = await fetchError(site(server.url).open('a'));
    expect(error).toMatchObject({ kind: 'tls', isTransient: false });
    expect(error.hint).toContain('NODE_EXTRA_CA_CERTS');
    expect(server.count()).toBe(0);
  });

  test('a certificate of another host is refused', async () => {
    const server = await startServer({ '/a': fault.serve(BYTES) }, { tls });
    const from = site(server.url.replace('127.0.0.1', 'localhost'), { caFiles: [tls.caFile] });
    expect(await fetchError(from.open('a'))).toMatchObject({ kind: 'tls', why: expect.stringContaining('ALTNAME') });
  });

  test('a missing CA file is an error when the site is opened', () => {
    expect(() =>
      openSite('https://example.org/', { userAgent: USER_AGENT, caFiles: [join(dir, 'nothing.pem')] }),
    ).toThrow('cannot read the CA file');
  });

  test.each([
    ['empty', () => ''],
    ['no certificate', () => 'ca.example.org\n'],
    ['a cut certificate', (text: string) => text.slice(0, -60)],
    ['a second certificate that is cut', (text: string) => text + text.slice(0, 200)],
    ['NUL bytes', (text: string) => '\0'.repeat(text.length)],
  ])('a damaged CA file is an error when the site is opened: %s', (_damage, damaged) => {
    const caFile = join(dir, 'damaged.pem');
    writeFileSync(caFile, damaged(readFileSync(tls.caFile, 'utf8')));
    const open = (caFiles: readonly string[]) => () =>
      openSite('https://example.org/', { userAgent: USER_AGENT, caFiles });
    expect(open([caFile])).toThrow('cannot read the CA file');
    writeFileSync(caFile, `\ufeffall of ours\r\n${readFileSync(tls.caFile, 'utf8').replaceAll('\n', '\r\n')}`);
    expect(open([caFile])).not.toThrow();
  });

  test('a redirect from https to http is refused, from http to https followed', async () => {
    const plain = await startServer({ '/b': fault.serve(BYTES) });
    const secure = await startServer({ '/a': fault.redirect(`${plain.url}/b`), '/c': fault.serve(BYTES) }, { tls });
    plain.set('/a', fault.redirect(`${secure.url}/c`));
    const caFiles = [tls.caFile];
    expect((await fetchError(site(secure.url, { caFiles }).open('a'))).why).toBe(
      'redirected from https to http, which is refused',
    );
    expect(plain.count()).toBe(0);
    expect(await read(site(plain.url, { caFiles }), 'a')).toEqual(BYTES);
  });

  test('HTTP/2 is used only on request', async () => {
    const server = await startServer(
      { '/a': fault.serve(BYTES, { etag: '"one"' }), '/b': fault.status(404) },
      { tls, http2: true },
    );
    const caFiles = [tls.caFile];
    const from = site(server.url, { caFiles, allowHttp2: true });
    const all = await Promise.all(Array.from({ length: 5 }, () => read(from, 'a')));
    expect(all.every((bytes) => bytes.equals(BYTES))).toBe(true);
    expect((await from.open('a', { fromByte: 10, validator: '"one"' })).kind).toBe('rest');
    expect((await fetchError(from.open('b'))).kind).toBe('missing');
    await read(site(server.url, { caFiles }), 'a');
    expect(server.log.map(({ httpVersion }) => httpVersion)).toEqual([
      ...Array.from({ length: 7 }, () => '2.0'),
      '1.1',
    ]);
    await from.close();
  });

  describe('through a proxy', () => {
    test('by a tunnel, for which the proxy gets the credentials and the site does not', async () => {
      const server = await startServer({ '/a': fault.serve(BYTES) }, { tls });
      const proxy = await startProxy({ credentials: 'me:p@ss' });
      const from = site(server.url, {
        caFiles: [tls.caFile],
        env: { HTTPS_PROXY: proxy.url.replace('//', '//me:p%40ss@') },
      });
      expect(await read(from, 'a')).toEqual(BYTES);
      expect(await read(from, 'a')).toEqual(BYTES);
      expect(new Set(proxy.log)).toEqual(new Set([`CONNECT ${server.url.slice('https://'.length)}`]));
      expect(server.log[0]?.headers).not.toHaveProperty('proxy-authorization');
      await from.close();
      await server.drained();
      await expect.poll(() => proxy.openConnections()).toBe(0);
    });

    test('by a tunnel, as the program that is published has it, with a part of undici in it', async () => {
      const server = await startServer(
        { '/mirrors.lst': fault.serve(Buffer.from('https://a.example.org/cygwin/;a.example.org;Europe;Germany\n')) },
        { tls },
      );
      const proxy = await startProxy();
      const args = [join(PROJECT, 'bin/cygstrap.js'), 'sites', `${server.url}/mirrors.lst`, '--ca-file', tls.caFile];
      const { stdout } = await promisify(execFile)(process.execPath, args, {
        env: { ...process.env, HTTPS_PROXY: proxy.url, NO_PROXY: '' },
      });
      expect(stdout).toContain('https://a.example.org/cygwin/');
      expect(proxy.log).toEqual([`CONNECT ${server.url.slice('https://'.length)}`]);
    });

    test.each([
      ['407', { credentials: 'me:secret' }, { kind: 'refused', status: 407, isTransient: false }],
      ['403', { treatment: 403 }, { kind: 'refused', status: 403, isTransient: false }],
      ['502', { treatment: 502 }, { kind: 'connect', status: 502, isTransient: true }],
      ['a closed connection', { treatment: 'close' }, { kind: 'connect', status: undefined, isTransient: true }],
    ] as const)('%s from the proxy', async (_name, options, expected) => {
      const proxy = await startProxy(options);
      const from = site('https://mirror.invalid/', { env: { https_proxy: proxy.url } });
      expect(await fetchError(from.open('a'))).toMatchObject(expected);
      expect(proxy.log).toEqual(['CONNECT mirror.invalid:443']);
    });
  });
});

test('a site that accepts the connection and sends nothing times out', async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const from = site(`https://127.0.0.1:${(server.address() as AddressInfo).port}`, { timeouts: { connectMs: 50 } });
  expect(await fetchError(from.open('a'))).toMatchObject({ kind: 'timeout', why: 'no connection in time' });
});
