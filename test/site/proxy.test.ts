import { describe, expect, test } from 'vitest';
import { isExempt, proxyFor } from '../../src/site/http/proxy.ts';
import { openSite } from '../../src/site/open-site.ts';
import { closedAddress } from '../support/fault-server.ts';
import { fault } from '../support/faults.ts';
import { startProxy } from './proxy-server.ts';
import { BYTES, fetchError, read, site, startServer, USER_AGENT } from './support.ts';

describe('http through a proxy', () => {
  test.each(['http_proxy', 'HTTP_PROXY'])('by %s, with credentials', async (name) => {
    const server = await startServer({ '/pub/a%20b': fault.serve(BYTES) });
    const proxy = await startProxy({ credentials: 'me:p@ss' });
    const from = site(`${server.url}/pub`, { env: { [name]: proxy.url.replace('//', '//me:p%40ss@') } });
    expect(await read(from, 'a b')).toEqual(BYTES);
    expect(await read(from, 'a b')).toEqual(BYTES);
    expect(proxy.log).toEqual([`GET ${server.url}/pub/a%20b`, `GET ${server.url}/pub/a%20b`]);
    expect(server.log[0]?.headers).toMatchObject({
      host: server.url.slice('http://'.length),
      'user-agent': USER_AGENT,
    });
    expect(server.log[0]?.headers).not.toHaveProperty('proxy-authorization');
    await from.close();
    await server.drained();
  });

  test('a proxy that requires credentials has its own hint', async () => {
    const proxy = await startProxy({ credentials: 'me:secret' });
    const error = await fetchError(site('http://mirror.invalid/', { env: { http_proxy: proxy.url } }).open('a'));
    expect(error).toMatchObject({ kind: 'refused', status: 407, isTransient: false });
    expect(error.hint).toContain('pass a user name and a password');
  });

  test('NO_PROXY goes past it', async () => {
    const server = await startServer({ '/a': fault.serve(BYTES) });
    const env = { http_proxy: await closedAddress(), NO_PROXY: 'example.org, 127.0.0.0/8' };
    expect(await read(site(server.url, { env }), 'a')).toEqual(BYTES);
  });

  test.each([
    ['http_proxy', 'http://mirror.invalid/'],
    ['HTTPS_PROXY', 'https://mirror.invalid/'],
    ['ALL_PROXY', 'http://mirror.invalid/'],
    ['all_proxy', 'https://mirror.invalid/'],
  ])('a proxy that is not there is named, with its variable: %s, %s', async (variable, address) => {
    const proxy = await closedAddress();
    const error = await fetchError(site(address, { env: { [variable]: proxy } }).open('a'));
    expect(error).toMatchObject({
      kind: 'connect',
      why: `the proxy ${proxy} (from \`${variable}\`) cannot be reached: connection refused`,
      hint: `start the proxy, or correct or unset \`${variable}\``,
    });
  });

  test('a proxy without a name in the name server', async () => {
    const error = await fetchError(site('http://127.0.0.1/', { env: { http_proxy: 'proxy.invalid:1' } }).open('a'));
    expect(error.why).toBe('the proxy http://proxy.invalid:1 (from `http_proxy`) cannot be reached: no such host');
  });

  test('ALL_PROXY is used for http', async () => {
    const server = await startServer({ '/a': fault.serve(BYTES) });
    const proxy = await startProxy();
    expect(await read(site(server.url, { env: { ALL_PROXY: proxy.url } }), 'a')).toEqual(BYTES);
    expect(proxy.log).toEqual([`GET ${server.url}/a`]);
  });

  test('an unsupported proxy is an error when the site is opened, without its password', () => {
    const open = (): unknown =>
      openSite('https://example.org/', { userAgent: USER_AGENT, env: { HTTPS_PROXY: 'socks5://me:secret@host:1080' } });
    expect(open).toThrow('not an http or https proxy: `HTTPS_PROXY=socks5://host:1080`: SOCKS is not supported');
    expect(() =>
      openSite('https://example.org/', { userAgent: USER_AGENT, env: { all_proxy: 'socks://host:1080' } }),
    ).toThrow('not an http or https proxy: `all_proxy=socks://host:1080`: SOCKS is not supported');
  });
});

describe('which proxy', () => {
  const https = new URL('https://mirror.example.org/');
  const http = new URL('http://mirror.example.org/');

  test.each([
    [https, { HTTPS_PROXY: 'http://p:1', HTTP_PROXY: 'http://q:2' }, 'http://p:1'],
    [http, { HTTPS_PROXY: 'http://p:1', HTTP_PROXY: 'http://q:2' }, 'http://q:2'],
    [http, { HTTP_PROXY: 'http://upper:1', http_proxy: 'http://lower:1' }, 'http://lower:1'],
    [http, { HTTP_PROXY: 'http://upper:1', http_proxy: '' }, undefined],
    [http, { http_proxy: 'proxy.example.org:3128' }, 'http://proxy.example.org:3128'],
    [https, { HTTP_PROXY: 'http://q:2' }, undefined],
    [https, { HTTP_PROXY: 'http://q:2', ALL_PROXY: 'http://r:3' }, 'http://r:3'],
    [http, { HTTP_PROXY: 'http://q:2', all_proxy: 'socks5://r:3' }, 'http://q:2'],
    [http, { ALL_PROXY: 'http://upper:1', all_proxy: 'http://lower:1' }, 'http://lower:1'],
    [http, { HTTP_PROXY: '', ALL_PROXY: 'http://r:3' }, undefined],
    [http, { ALL_PROXY: 'http://r:3', NO_PROXY: 'example.org' }, undefined],
    [https, { https_proxy: 'https://p/' }, 'https://p'],
    [https, { https_proxy: 'http://p:1', no_proxy: '*' }, undefined],
    [https, { https_proxy: 'http://p:1', NO_PROXY: '*', no_proxy: '' }, 'http://p:1'],
  ])('%s with %o: %s', (url, env, origin) => {
    expect(proxyFor(url, env)?.origin).toBe(origin);
  });

  test.each([
    ['http://mirror.example.org/', 'mirror.example.org', true],
    ['http://mirror.example.org/', 'EXAMPLE.org', true],
    ['http://mirror.example.org/', '.example.org', true],
    ['http://example.org/', '.example.org', true],
    ['http://mirror.example.org/', '*.example.org', true],
    ['http://notexample.org/', 'example.org', false],
    ['http://mirror.example.org/', 'mirror.example.org:80', true],
    ['https://mirror.example.org/', 'mirror.example.org:443', true],
    ['http://mirror.example.org:8080/', 'mirror.example.org:80', false],
    ['http://mirror.example.org:8080/', 'a b,example.org:8080', true],
    ['http://10.1.2.3/', '10.1.2.3', true],
    ['http://10.1.2.3/', '10.0.0.0/8', true],
    ['http://10.1.2.3/', '10.1.0.0/24', false],
    ['http://10.1.2.3/', '10.0.0.0/99', false],
    ['http://10.1.2.3/', '2.3', false],
    ['http://[::1]:8080/', '::1', true],
    ['http://[::1]:8080/', '[::1]:8080', true],
    ['http://[fd00::1]/', 'fd00::/8', true],
    ['http://[fd00::1]/', '10.0.0.0/8', false],
    ['http://mirror.example.org/', '', false],
    ['http://mirror.example.org/', ' , ', false],
  ])('%s is exempt by %j: %s', (url, list, expected) => {
    expect(isExempt(new URL(url), list)).toBe(expected);
  });
});
