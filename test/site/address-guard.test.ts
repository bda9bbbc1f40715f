import { describe, expect, test } from 'vitest';
import { AddressGuard } from '../../src/site/http/address-guard.ts';
import { literalScope, mayLeadTo, scopeOf } from '../../src/site/http/address-scope.ts';
import type { Scope } from '../../src/site/http/address-scope.ts';
import { fault } from '../support/faults.ts';
import { names, siteAt } from './guarded-site.ts';
import { startProxy } from './proxy-server.ts';
import { BYTES, fetchError, read, startServer } from './support.ts';

test.each<readonly [string, Scope]>([
  ['8.8.8.8', 'public'],
  ['1.0.0.1', 'public'],
  ['100.63.255.255', 'public'],
  ['100.64.0.1', 'private'],
  ['100.127.255.255', 'private'],
  ['100.128.0.0', 'public'],
  ['10.0.0.1', 'private'],
  ['172.15.255.255', 'public'],
  ['172.16.0.1', 'private'],
  ['172.31.255.255', 'private'],
  ['172.32.0.0', 'public'],
  ['192.168.0.1', 'private'],
  ['192.169.0.1', 'public'],
  ['198.18.0.1', 'private'],
  ['224.0.0.1', 'private'],
  ['255.255.255.255', 'private'],
  ['169.254.169.254', 'link-local'],
  ['127.0.0.1', 'loopback'],
  ['127.255.255.254', 'loopback'],
  ['0.0.0.0', 'loopback'],
  ['0.1.2.3', 'loopback'],
  ['::1', 'loopback'],
  ['::', 'loopback'],
  ['fe80::1', 'link-local'],
  ['fe80::1%eth0', 'link-local'],
  ['febf::1', 'link-local'],
  ['fec0::1', 'private'],
  ['fc00::1', 'private'],
  ['fdff:ffff::1', 'private'],
  ['fd00:ec2::254', 'private'],
  ['ff02::1', 'private'],
  ['2606:4700::1111', 'public'],
  ['::ffff:127.0.0.1', 'loopback'],
  ['::ffff:7f00:1', 'loopback'],
  ['::ffff:a9fe:a9fe', 'link-local'],
  ['::ffff:10.1.2.3', 'private'],
  ['::ffff:8.8.8.8', 'public'],
  ['::ffff:0:127.0.0.1', 'loopback'],
  ['::127.0.0.1', 'loopback'],
  ['::0a00:1', 'private'],
  ['64:ff9b::10.0.0.1', 'private'],
  ['64:ff9b::8.8.8.8', 'public'],
  ['2002:7f00:1::', 'loopback'],
  ['2002:0808:0808::1', 'public'],
])('%s is a %s address', (address, scope) => {
  expect(scopeOf(address)).toBe(scope);
});

test.each<readonly [string, Scope | undefined]>([
  ['http://127.1/', 'loopback'],
  ['http://0x7f000001/', 'loopback'],
  ['http://2130706433/', 'loopback'],
  ['http://017700000001/', 'loopback'],
  ['http://[::ffff:127.0.0.1]/', 'loopback'],
  ['http://0/', 'loopback'],
  ['http://localhost/', 'loopback'],
  ['http://LOCALHOST./', 'loopback'],
  ['http://x.localhost/', 'loopback'],
  ['http://169.254.169.254/', 'link-local'],
  ['http://notlocalhost/', undefined],
  ['http://localhost.example.org/', undefined],
])('the host of %s: %s', (url, scope) => {
  expect(literalScope(new URL(url).hostname)).toBe(scope);
});

test('a site may lead to public addresses, and to those of its own scope', () => {
  const scopes: readonly Scope[] = ['public', 'private', 'link-local', 'loopback'];
  for (const site of scopes)
    for (const target of scopes) expect(mayLeadTo(site, target)).toBe(target === 'public' || target === site);
});

function lookUp(guard: AddressGuard, name: string): Promise<readonly string[] | string> {
  return new Promise((resolve) => {
    guard.lookup(name, { all: true }, (error, found) =>
      resolve(error !== null ? error.message : (found as { address: string }[]).map(({ address }) => address)),
    );
  });
}

describe('the addresses of a name', () => {
  const lookup = names({
    'site.test': [['203.0.113.5'], ['127.0.0.1']],
    'mixed.test': [['10.0.0.1', '203.0.113.7', '::1']],
    'inner.test': [['192.168.1.1', 'fe80::1']],
    'lan.test': [['192.168.1.7']],
  });

  test('are dropped where the site may not lead, and refused if there are no others', async () => {
    const guard = new AddressGuard('site.test', { lookup });
    expect(await lookUp(guard, 'site.test')).toEqual(['203.0.113.5']);
    expect(await lookUp(guard, 'mixed.test')).toEqual(['203.0.113.7']);
    expect(await lookUp(guard, 'inner.test')).toBe(
      '`inner.test` at 192.168.1.1 is a private address, but the site is at a public one',
    );
  });

  test('a site that changes its own address to a nearer one is refused', async () => {
    const guard = new AddressGuard('site.test', { lookup: names({ 'site.test': [['203.0.113.5'], ['127.0.0.1']] }) });
    expect(await lookUp(guard, 'site.test')).toEqual(['203.0.113.5']);
    expect(await lookUp(guard, 'site.test')).toContain('is a loopback address');
  });

  test('a site that adds a near address to its own does not become near', async () => {
    const guard = new AddressGuard('mixed.test', { lookup });
    expect(await lookUp(guard, 'mixed.test')).toEqual(['203.0.113.7']);
    expect(() => guard.judge('127.0.0.1')).toThrow('loopback');
  });

  test('a site in a private network may lead into it, and not to this computer', async () => {
    const guard = new AddressGuard('lan.test', { lookup });
    expect(await lookUp(guard, 'lan.test')).toEqual(['192.168.1.7']);
    expect(await lookUp(guard, 'inner.test')).toEqual(['192.168.1.1']);
    expect(() => guard.judge('10.0.0.1')).not.toThrow();
    expect(() => guard.judge('169.254.169.254')).toThrow('link-local');
    expect(() => guard.judge('[::1]')).toThrow('loopback');
  });
});

describe('redirects of a site on the internet', () => {
  test.each([
    'http://127.0.0.2/a',
    'http://127.2/a',
    'http://0x7f000002/a',
    'http://0.0.0.0/a',
    'http://[::1]/a',
    'http://[::ffff:7f00:2]/a',
    'http://localhost/a',
    'http://inner.test/a',
    'http://169.254.169.254/latest/meta-data/',
    'http://[fd00:ec2::254]/latest/meta-data/',
    'http://10.0.0.1/a',
    'http://172.16.0.1/a',
    'http://192.168.0.1/a',
    'http://100.64.0.1/a',
    'http://[fe80::1]/a',
  ])('to %s are refused before a connection', async (target) => {
    const server = await startServer({ '/a': fault.redirect(target) });
    const from = siteAt('site.test', server.url, 'public');
    const error = await fetchError(from.open('a'));
    expect(error).toMatchObject({ kind: 'refused', isTransient: false });
    expect(error.why).toContain('but the site is at a public one');
    expect(server.count()).toBe(1);
  });

  test('through another public host too, and without the credentials', async () => {
    const second = await startServer({ '/a': fault.redirect('http://127.0.0.2/') });
    const server = await startServer({ '/a': fault.redirect(`${second.url}/a`) });
    const from = siteAt('site.test', server.url, 'public');
    expect((await fetchError(from.open('a'))).why).toContain('is a loopback address');
    expect(server.log[0]?.headers.authorization).toBe('Basic c2VjcmV0');
    expect(second.log[0]?.headers).not.toHaveProperty('authorization');
  });

  test('to a public host are followed', async () => {
    const second = await startServer({ '/b': fault.serve(BYTES) });
    const server = await startServer({ '/a': fault.redirect(`${second.url}/b`) });
    expect(await read(siteAt('site.test', server.url, 'public'), 'a')).toEqual(BYTES);
  });

  test('from a site on this computer are followed to this computer', async () => {
    const second = await startServer({ '/b': fault.serve(BYTES) });
    const server = await startServer({ '/a': fault.redirect(`${second.url}/b`) });
    expect(await read(siteAt('site.test', server.url, 'loopback'), 'a')).toEqual(BYTES);
    expect(await read(siteAt('127.0.0.1', server.url, 'loopback'), 'a')).toEqual(BYTES);
  });

  test.each(['http://169.254.169.254/a', 'http://10.0.0.1/a', 'http://[fe80::1]/a', 'http://[::ffff:10.0.0.1]/a'])(
    'from a site on this computer to %s are refused before a connection',
    async (target) => {
      const server = await startServer({ '/a': fault.redirect(target) });
      const error = await fetchError(siteAt('127.0.0.1', server.url, 'loopback').open('a'));
      expect(error).toMatchObject({ kind: 'refused', isTransient: false });
      expect(error.why).toContain('but the site is at a loopback one');
      expect(server.count()).toBe(1);
    },
  );

  test('behind a proxy, literal addresses are refused and the proxy may be anywhere', async () => {
    const server = await startServer({ '/a': fault.redirect('http://127.0.0.2/b'), '/b': fault.serve(BYTES) });
    const proxy = await startProxy();
    const from = siteAt('127.0.0.1', server.url, 'public', { http_proxy: proxy.url });
    expect(await read(from, 'b')).toEqual(BYTES);
    expect((await fetchError(from.open('a'))).why).toContain('is a loopback address');
    expect(proxy.log).toHaveLength(2);
  });
});
