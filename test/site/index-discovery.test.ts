import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Event } from '../../src/events.ts';
import { findIndex, type FindIndexOptions } from '../../src/site/index-discovery.ts';
import { openSite } from '../../src/site/open-site.ts';
import { SiteSet } from '../../src/site/site-set.ts';
import { readKeyring, shippedKeyring, type Keyring } from '../../src/trust/keyring.ts';
import { verifyDetached } from '../../src/trust/verify.ts';
import { closedAddress, FaultServer, type Script } from '../support/fault-server.ts';
import { fault } from '../support/faults.ts';

const RELEASE = fileURLToPath(new URL('../../fixtures/release', import.meta.url));
const keyring = await readKeyring([`${RELEASE}/key.gpg`]);
const SIGNER = keyring.keys[0]?.fingerprint;
const FORMS = ['zst', 'xz', 'bz2', 'ini'];

function read(name: string): Buffer {
  return readFileSync(`${RELEASE}/x86_64/${name}`);
}

/** All forms with their signatures, as a good mirror has them. */
function mirror(directory = '/x86_64/'): Script {
  const names = FORMS.flatMap((form) => [`setup.${form}`, `setup.${form}.sig`]);
  return Object.fromEntries(
    names.map((name) => [`${directory}${name}`, fault.serve(read(name), { etag: `"${name}"` })]),
  );
}

function without(script: Script, ...names: readonly string[]): Script {
  return Object.fromEntries(
    Object.entries(script).filter(([path]) => !names.some((name) => path.endsWith(`/${name}`))),
  );
}

async function serve(script: Script): Promise<FaultServer> {
  const server = await FaultServer.start(script);
  onTestFinished(() => server.close());
  return server;
}

interface Setting extends Partial<FindIndexOptions> {
  readonly ring?: Keyring;
  readonly unsigned?: boolean;
  readonly events?: Event[];
}

async function find(
  addresses: readonly string[],
  { ring = keyring, unsigned = false, events = [], ...options }: Setting = {},
) {
  const sites = addresses.map((address) => openSite(address, { userAgent: 'cygstrap/0.0.0-test' }));
  const set = new SiteSet(sites, {
    policy: { attemptsPerSite: 2, firstDelayMs: 1 },
    report: (event) => void events.push(event),
  });
  onTestFinished(() => set.close());
  return findIndex(set, {
    arch: 'x86_64',
    trustOf: () => ({ unsigned, verify: (bytes, signature) => verifyDetached(bytes, signature, ring) }),
    ...options,
  });
}

function paths(server: FaultServer): string[] {
  return server.log.map(({ path }) => path.replace('/x86_64/', ''));
}

describe('the index of a good site', () => {
  test('by HTTP: requests only the first form and its signature', async () => {
    const server = await serve(mirror());
    const found = await find([server.url]);
    expect(found).toMatchObject({
      kind: 'found',
      path: 'x86_64/setup.zst',
      form: 'zst',
      signer: SIGNER,
      validator: '"setup.zst"',
      warnings: [],
    });
    expect(found).toMatchObject({ bytes: read('setup.zst'), signature: read('setup.zst.sig') });
    expect(paths(server).toSorted()).toEqual(['setup.zst', 'setup.zst.sig']);
  });

  test('in a directory', async () => {
    expect(await find([RELEASE])).toMatchObject({ kind: 'found', form: 'zst', signer: SIGNER, warnings: [] });
  });

  test.each(FORMS)('that has .%s only', async (form) => {
    const server = await serve(
      without(mirror(), ...FORMS.filter((other) => other !== form).map((other) => `setup.${other}`)),
    );
    expect(await find([server.url])).toMatchObject({
      form,
      signer: SIGNER,
      warnings: [],
      bytes: read(`setup.${form}`),
    });
  });

  test('by another base name', async () => {
    const server = await serve({
      '/x86_64/mine.xz': fault.serve(read('setup.xz')),
      '/x86_64/mine.xz.sig': fault.serve(read('setup.xz.sig')),
    });
    expect(await find([server.url], { basename: 'mine' })).toMatchObject({ path: 'x86_64/mine.xz' });
  });

  test('unchanged: not sent again; changed: sent', async () => {
    const server = await serve(mirror());
    const known = { site: `${server.url}/`, path: 'x86_64/setup.zst', validator: '"setup.zst"', isSigned: true };
    expect(await find([server.url], { known })).toMatchObject({ kind: 'unchanged', path: 'x86_64/setup.zst' });
    expect(await find([server.url], { known, unsigned: true })).toMatchObject({ kind: 'unchanged' });
    expect(await find([server.url], { known: { ...known, validator: '"older"' } })).toMatchObject({ kind: 'found' });
    expect(await find([server.url], { known: { ...known, site: 'http://elsewhere/' } })).toMatchObject({
      kind: 'found',
    });
  });

  test('of x86 before 2013, at the top; never for another architecture', async () => {
    const old = await serve(without(mirror('/'), 'setup.zst', 'setup.xz'));
    expect(await find([old.url], { arch: 'x86' })).toMatchObject({ path: 'setup.bz2', form: 'bz2', signer: SIGNER });
    await expect(find([old.url])).rejects.toMatchObject({
      code: 'not-found',
      message: `no site has an index for x86_64\n  - \`${old.url}/\`: it has no index for x86_64`,
      hint: 'a site is the directory that contains `x86_64/`; indexes before 2013 need `--arch x86`',
    });
  });

  test('of x86, in its own directory, which hides the top', async () => {
    const server = await serve({ ...mirror('/x86/'), ...mirror('/') });
    expect(await find([server.url], { arch: 'x86' })).toMatchObject({ path: 'x86/setup.zst' });
    const bad = await serve({
      ...without(mirror('/x86/'), ...FORMS.map((form) => `setup.${form}.sig`)),
      ...mirror('/'),
    });
    await expect(find([bad.url], { arch: 'x86' })).rejects.toMatchObject({ code: 'signature' });
  });
});

describe('an unusable form is skipped for the next, with a warning', () => {
  test.each([
    ['its signature is missing', (): Script => without(mirror(), 'setup.zst.sig'), 'it has no signature file'],
    [
      'its signature is of another form',
      (): Script => ({ ...mirror(), '/x86_64/setup.zst.sig': fault.serve(read('setup.ini.sig')) }),
      /^it differs from the file that key \w{16} signed: /,
    ],
    [
      'its signature is damaged',
      (): Script => ({ ...mirror(), '/x86_64/setup.zst.sig': fault.wrongBytes(read('setup.zst.sig')) }),
      /^its signature is damaged: /,
    ],
    [
      'its signature is cut short',
      (): Script => ({ ...mirror(), '/x86_64/setup.zst.sig': fault.serve(read('setup.zst.sig').subarray(0, 99)) }),
      /^its signature is not usable: it is cut short: /,
    ],
    ['its signature is a page', (): Script => ({ ...mirror(), '/x86_64/setup.zst.sig': fault.html() }), /page/],
    [
      'it is changed',
      (): Script => ({ ...mirror(), '/x86_64/setup.zst': fault.wrongBytes(read('setup.zst')) }),
      /^it differs from the file/,
    ],
    ['it is a page', (): Script => ({ ...mirror(), '/x86_64/setup.zst': fault.html() }), /page/],
    ['it is forbidden', (): Script => ({ ...mirror(), '/x86_64/setup.zst': fault.status(403) }), /403/],
    ['it always fails', (): Script => ({ ...mirror(), '/x86_64/setup.zst': fault.status(500) }), /500/],
    [
      'it breaks off',
      (): Script => ({ ...mirror(), '/x86_64/setup.zst': fault.resetMidBody(read('setup.zst'), 100) }),
      /./,
    ],
  ])('%s', async (_name, script, why) => {
    const server = await serve(script());
    const found = await find([server.url]);
    expect(found).toMatchObject({ kind: 'found', form: 'xz', signer: SIGNER });
    const prefix = /^`http:\/\/[^`]*\/x86_64\/setup\.zst(?:\.sig)?` was skipped: /;
    expect(found.warnings).toEqual([expect.stringMatching(prefix)]);
    const [text = ''] = found.warnings.map((warning) => warning.replace(prefix, ''));
    if (typeof why === 'string') expect(text).toBe(why);
    else expect(text).toMatch(why);
  });

  test('too large, index or signature', async () => {
    const server = await serve(mirror());
    const maxIndexBytes = read('setup.zst').length - 1;
    await expect(find([server.url], { limits: { maxIndexBytes } })).rejects.toMatchObject({
      code: 'signature',
      message: expect.stringContaining(`it has more than ${maxIndexBytes} bytes`),
    });
    await expect(find([server.url], { limits: { maxSignatureBytes: 100 } })).rejects.toMatchObject({
      message: expect.stringContaining('its signature has more than 100 bytes'),
    });
  });
});

describe('an unusable site is skipped for the next', () => {
  test('it is down', async () => {
    const closed = await closedAddress();
    const events: Event[] = [];
    const found = await find([closed, RELEASE], { events });
    expect(found).toMatchObject({
      kind: 'found',
      signer: SIGNER,
      warnings: [expect.stringContaining(`\`${closed}/\` was skipped: `)],
    });
    expect(events).toContainEqual(
      expect.objectContaining({ kind: 'transfer-failed', path: 'x86_64/setup.*', site: `${closed}/` }),
    );
  });

  test('it has nothing', async () => {
    const empty = await serve({});
    const found = await find([empty.url, RELEASE]);
    expect(found.warnings).toEqual([`\`${empty.url}/\` was skipped: it has no index for x86_64`]);
  });

  test('nothing of it verifies', async () => {
    const bad = await serve(without(mirror(), ...FORMS.map((form) => `setup.${form}.sig`)));
    const found = await find([bad.url, RELEASE]);
    expect(found).toMatchObject({ kind: 'found', form: 'zst' });
    expect(found.warnings).toEqual(
      FORMS.map((form) => `\`${bad.url}/x86_64/setup.${form}\` was skipped: it has no signature file`),
    );
  });

  test('what passes is waited for, and not mentioned', async () => {
    const server = await serve({
      '/x86_64/setup.zst.sig': [fault.status(503), fault.serve(read('setup.zst.sig'))],
      '/x86_64/setup.zst': fault.serve(read('setup.zst')),
    });
    expect(await find([server.url])).toMatchObject({ form: 'zst', warnings: [] });
    expect(
      paths(server)
        .filter((path) => path.startsWith('setup.zst'))
        .toSorted(),
    ).toEqual(['setup.zst', 'setup.zst', 'setup.zst.sig', 'setup.zst.sig']);
  });
});

describe('no usable site', () => {
  test('the error lists every form and its reason, with a hint', async () => {
    const stranger = await serve(without(mirror(), 'setup.bz2', 'setup.ini'));
    const closed = await closedAddress();
    const unsigned = await serve({ '/x86_64/setup.ini': fault.serve(read('setup.ini')) });
    const error: unknown = await find([stranger.url, closed, unsigned.url], { ring: await shippedKeyring() }).catch(
      (caught: unknown) => caught,
    );
    const why = `it is signed by key ${SIGNER?.slice(-16)}, not in the keyring`;
    expect(error).toMatchObject({
      code: 'signature',
      hint: 'use another mirror, or trust the key of this site with `--keyring FILE`',
    });
    expect((error as Error).message.split('\n')).toEqual([
      'no index for x86_64 has a valid signature of a trusted key',
      `  - \`${stranger.url}/x86_64/setup.zst\`: ${why}`,
      `  - \`${stranger.url}/x86_64/setup.xz\`: ${why}`,
      expect.stringContaining(`  - \`${closed}/\`: `),
      `  - \`${unsigned.url}/x86_64/setup.ini\`: it has no signature file`,
    ]);
  });

  test('none can be asked', async () => {
    const closed = await closedAddress();
    await expect(find([closed])).rejects.toMatchObject({ code: 'fetch', kind: 'connect' });
  });

  test('stopped by the user', async () => {
    const server = await serve({ '/x86_64/setup.zst.sig': fault.silence() });
    const abort = new AbortController();
    const found = find([server.url, RELEASE], { signal: abort.signal });
    abort.abort(new Error('enough'));
    await expect(found).rejects.toThrow('enough');
  });
});

describe('a Content-Encoding that was not requested', () => {
  const labelled = (bytes: Uint8Array, encoding: string): Script => ({
    ...mirror(),
    '/x86_64/setup.zst': fault.serve(bytes, { headers: { 'content-encoding': encoding } }),
  });

  test.each(['binary', 'aws-chunked', 'x-xz'])('%s on the right bytes is ignored', async (encoding) => {
    const server = await serve(labelled(read('setup.zst'), encoding));
    expect(await find([server.url])).toMatchObject({ kind: 'found', path: 'x86_64/setup.zst', warnings: [] });
  });

  test('is named when the bytes do not match the signature', async () => {
    const server = await serve(labelled(gzipSync(read('setup.zst')), 'gzip'));
    const found = await find([server.url]);
    expect(found.path).toBe('x86_64/setup.xz');
    expect(found.warnings.join()).toContain('; the site sent it with `Content-Encoding: gzip`');
  });
});
