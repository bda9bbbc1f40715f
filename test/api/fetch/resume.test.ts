import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Event } from '../../../src/events.ts';
import { FaultServer } from '../../support/fault-server.ts';
import { fault } from '../../support/faults.ts';
import type { Fault } from '../../support/faults.ts';
import { URL_PATH, bytesOf, expectNothing, expectWhole, fetchFrom } from './support.ts';

const FILE = bytesOf(4 * 1024 * 1024);
const HALF = FILE.length / 2;
const OTHER = bytesOf(FILE.length, 77);
const TAG = { etag: '"a"' };
const CUT = fault.short(FILE, HALF, TAG);

/** Answers a range with `range`, and a request for the whole file with `whole`. */
function split(range: Fault, whole: Fault): Fault {
  return (request, response) => (request.headers.range === undefined ? whole : range)(request, response);
}

/** Responses to a request for the rest from which nothing can be continued. */
const LYING: readonly (readonly [name: string, range: Fault])[] = [
  ['416 without a length', fault.status(416)],
  ['416 with another length', fault.status(416, { 'content-range': 'bytes */7' })],
  ['416 that calls the part complete', fault.status(416, { 'content-range': `bytes */${HALF}` })],
  ['206 from the beginning', fault.wrongRange(FILE, 0)],
  ['206 from a later byte', fault.wrongRange(FILE, HALF + 1)],
  ['206 with another total', fault.wrongRange(FILE, HALF, `bytes ${HALF}-${FILE.length - 1}/${FILE.length + 9}`)],
  ['206 with another entity tag', fault.ignoredIfRange(FILE, { etag: '"b"' })],
  ['206 of another file, and the same entity tag', fault.ignoredIfRange(OTHER, TAG)],
  ['206 of another file, without a tag', fault.ignoredIfRange(OTHER)],
  ['206 of a longer file, in chunks', fault.wrongRange(Buffer.concat([FILE, OTHER]), HALF, rangeOf(HALF))],
  ['206 that is a web page', fault.raw('HTTP/1.1 206 Partial Content\r\nContent-Type: text/html\r\n\r\n')],
  ['200 with the whole file', fault.serve(FILE, { ...TAG })],
  ['500', fault.status(500)],
  ['403', fault.status(403)],
  ['a reset', fault.resetBeforeHeaders()],
  ['206 without a byte', fault.wrongRange(FILE, FILE.length, rangeOf(HALF))],
];

function rangeOf(fromByte: number): string {
  return `bytes ${fromByte}-${FILE.length - 1}/${FILE.length}`;
}

function demotions(events: readonly Event[]): number {
  return events.filter(({ kind }) => kind === 'site-demoted').length;
}

describe('a site whose ranges do not continue a broken download', () => {
  test.each(LYING)('gets one request for the whole file: %s', async (_name, range) => {
    await using server = await FaultServer.start({ [URL_PATH]: [CUT, split(range, fault.serve(FILE, TAG))] });
    expectWhole(await fetchFrom([server.url], FILE, { attempts: 5 }), FILE);
    // A reset is not an answer: such a range is tried three times.
    expect(server.count()).toBeLessThanOrEqual(5);
    expect(server.log.filter(({ headers }) => headers.range === undefined)).toHaveLength(
      _name.startsWith('200') ? 1 : 2,
    );
  });

  test.each(LYING.slice(0, 7))('is not left for another one: %s', async (_name, range) => {
    await using server = await FaultServer.start({ [URL_PATH]: [CUT, split(range, fault.serve(FILE, TAG))] });
    await using second = await FaultServer.start({ [URL_PATH]: fault.serve(FILE) });
    const outcome = await fetchFrom([server.url, second.url], FILE);
    expectWhole(outcome, FILE);
    expect(server.count()).toBe(3);
    expect(second.count()).toBe(0);
    expect(demotions(outcome.events)).toBe(0);
  });

  test.each(LYING.slice(0, 10))('gets one range, however often it breaks off: %s', async (_name, range) => {
    await using server = await FaultServer.start({ [URL_PATH]: split(range, CUT) });
    expectNothing(await fetchFrom([server.url], FILE, { attempts: 5 }), /closed/);
    expect(server.log.filter(({ headers }) => headers.range !== undefined)).toHaveLength(1);
  });

  test('fails there after wrong bytes of the whole file too, and the next site is used', async () => {
    await using bad = await FaultServer.start({ [URL_PATH]: [CUT, fault.ignoredIfRange(OTHER, TAG)] });
    await using good = await FaultServer.start({ [URL_PATH]: fault.serve(FILE) });
    const outcome = await fetchFrom([bad.url, good.url], FILE);
    expectWhole(outcome, FILE);
    expect(bad.log.map(({ headers }) => headers.range)).toEqual([undefined, `bytes=${HALF}-`, undefined]);
    expect(good.log.map(({ headers }) => headers.range)).toEqual([undefined]);
  });

  test('wrong bytes alone: the error names the site', async () => {
    await using bad = await FaultServer.start({ [URL_PATH]: [CUT, fault.ignoredIfRange(OTHER, TAG)] });
    const outcome = await fetchFrom([bad.url], FILE);
    expectNothing(outcome, /sha512 differs/);
    expect(outcome.failed[0]?.why).toContain(bad.url);
    expect(existsSync(`${outcome.target}.part`)).toBe(false);
  });
});

test('a part that was changed on the disk costs one request for the whole file', async () => {
  await using server = await FaultServer.start({ [URL_PATH]: [CUT, CUT, CUT, fault.serve(FILE, TAG)] });
  const first = await fetchFrom([server.url], FILE);
  expectNothing(first, /closed/);
  const part = `${first.target}.part`;
  const bytes = readFileSync(part);
  bytes[100] = (bytes[100] ?? 0) ^ 1;
  writeFileSync(part, bytes);
  expectWhole(await fetchFrom([server.url], FILE, { root: first.root }), FILE);
  expect(server.log.slice(3).map(({ headers }) => headers.range)).toEqual([`bytes=${HALF}-`, undefined]);
});

test('a part is kept while the site does not respond', async () => {
  await using server = await FaultServer.start({
    [URL_PATH]: [CUT, fault.status(503), fault.status(429), fault.serve(FILE, TAG)],
  });
  const first = await fetchFrom([server.url], FILE);
  expectNothing(first, /429/);
  expectWhole(await fetchFrom([server.url], FILE, { root: first.root }), FILE);
  expect(server.log.at(-1)?.headers.range).toBe(`bytes=${HALF}-`);
});
