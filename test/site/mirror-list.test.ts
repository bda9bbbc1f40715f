import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { measureSite } from '../../src/site/measure.ts';
import { parseMirrorList } from '../../src/site/mirror-list.ts';
import { fault } from '../support/faults.ts';
import { BYTES, fetchError, rejection, site, startServer } from './support.ts';

describe('mirrors.lst', () => {
  test('fields, newer forms, comments, and invalid lines', () => {
    const text = [
      '\ufeff# a list',
      'https://mirror.example.org/cygwin/;mirror.example.org;Europe;Germany',
      '',
      'http://old.example.org/pub;old.example.org;Asia;Japan;noshow\r',
      'https://new.example.org/;new.example.org;Europe;France;;ipv6',
      'ftp://ftp.example.org/cygwin/',
      'https://mirror.example.org/cygwin;again;;',
      '<html>',
      ';;Europe;Germany',
      'mirror.example.org;x;y;z',
    ].join('\n');
    expect(parseMirrorList(text)).toEqual({
      mirrors: [
        {
          url: 'https://mirror.example.org/cygwin/',
          host: 'mirror.example.org',
          region: 'Europe',
          country: 'Germany',
          isOffered: true,
        },
        {
          url: 'http://old.example.org/pub/',
          host: 'old.example.org',
          region: 'Asia',
          country: 'Japan',
          isOffered: false,
        },
        {
          url: 'https://new.example.org/',
          host: 'new.example.org',
          region: 'Europe',
          country: 'France',
          isOffered: true,
        },
        { url: 'ftp://ftp.example.org/cygwin/', host: 'ftp.example.org', region: '', country: '', isOffered: true },
      ],
      faults: [
        { line: 8, message: 'not the URL of a mirror: `<html>`' },
        { line: 9, message: 'not the URL of a mirror: ``' },
        { line: 10, message: 'not the URL of a mirror: `mirror.example.org`' },
      ],
    });
  });

  const real = fileURLToPath(new URL('../../../shared/data/mirrors/mirrors.lst', import.meta.url));
  // Real data is not part of the project.
  test.skipIf(!existsSync(real))('the real list of 2013 (skipped without data)', () => {
    const { mirrors, faults } = parseMirrorList(readFileSync(real, 'utf8'));
    expect(faults).toEqual([]);
    expect(mirrors).toHaveLength(81);
    expect(mirrors[0]).toEqual({
      url: 'ftp://ftp.is.co.za/mirrors/cygwin/',
      host: 'ftp.is.co.za',
      region: 'Africa',
      country: 'South Africa',
      isOffered: true,
    });
    expect(mirrors.filter(({ url }) => url.startsWith('ftp:'))).toHaveLength(31);
    expect(mirrors.every(({ region, country }) => region !== '' && country !== '')).toBe(true);
  });
});

describe('measuring', () => {
  test('measures latency and rate', async () => {
    const server = await startServer({ '/x86_64/setup.xz': fault.serve(BYTES) });
    const measured = await measureSite(site(server.url), 'x86_64/setup.xz');
    expect(measured.receivedBytes).toBe(BYTES.length);
    expect(measured.latencyMs).toBeGreaterThan(0);
    expect(measured.rateBytesPerSecond).toBeGreaterThan(0);
  });

  test('a sample of a large file is enough', async () => {
    const server = await startServer({ '/a': fault.serve(Buffer.alloc(20_000_000)) });
    const { receivedBytes } = await measureSite(site(server.url), 'a');
    expect(receivedBytes).toBeLessThan(6_000_000);
    await server.drained();
  });

  test('the bytes received before the timeout count', async () => {
    const server = await startServer({ '/a': fault.stall(BYTES, 3000) });
    const { receivedBytes, rateBytesPerSecond } = await measureSite(site(server.url), 'a', { timeoutMs: 100 });
    expect(receivedBytes).toBe(3000);
    expect(rateBytesPerSecond).toBeLessThan(1_000_000);
  });

  test('a timeout and a missing file', async () => {
    const server = await startServer({ '/a': fault.silence() });
    expect((await fetchError(measureSite(site(server.url), 'a', { timeoutMs: 50 }))).kind).toBe('timeout');
    expect((await fetchError(measureSite(site(server.url), 'b'))).kind).toBe('missing');
  });

  test('an abort comes through as it is', async () => {
    const server = await startServer({ '/a': fault.stall(BYTES, 10) });
    const control = new AbortController();
    const reason = { stop: 'please' };
    setTimeout(() => control.abort(reason), 50);
    expect(await rejection(measureSite(site(server.url), 'a', { signal: control.signal }))).toBe(reason);
  });
});
