import fc from 'fast-check';
import { afterAll, beforeAll, expect } from 'vitest';
import { serveMachine } from '../../src/serve/view.ts';
import type { MachineServer } from '../../src/serve/view.ts';
import { ReadOnlyFilter } from '../../src/serve/view/read-only.ts';
import { HANDSHAKE, get, open, originOf } from '../serve/view-support.ts';
import { attack } from './support.ts';

let server: MachineServer;
let unopened: MachineServer;
let page: string;
let cookie: string;
beforeAll(async () => {
  const machine = {
    vnc: null,
    isControlled: false,
    state: () => Promise.reject(new Error('never read')),
    async *console() {},
  };
  [server, unopened] = await Promise.all([serveMachine(machine), serveMachine(machine)]);
  ({ page, cookie } = await open(server.url));
});
afterAll(async () => {
  // None of the wrong requests has used up the token.
  expect((await get(unopened.url)).status).toBe(200);
  await Promise.all([server.close('closed'), unopened.close('closed')]);
});

/** Replaces, removes or inserts a character of a text. */
const edited = (text: string, at: number, how: string): string => {
  const place = at % text.length;
  const rest = text.slice(how === 'insert' ? place : place + 1);
  return `${text.slice(0, place)}${how === 'remove' ? '' : text[place] === 'A' ? 'B' : 'A'}${rest}`;
};
const edit = { at: fc.nat(), how: fc.constantFrom('replace', 'remove', 'insert') };
const host = (port: string) =>
  fc.constantFrom(
    `localhost:${port}`,
    `127.0.0.2:${port}`,
    `127.1:${port}`,
    `2130706433:${port}`,
    `[::1]:${port}`,
    `0.0.0.0:${port}`,
    `127.0.0.1.:${port}`,
    `127.0.0.1:0${port}`,
    `rebound.example:${port}`,
    `127.0.0.1:${port}@rebound.example`,
    '127.0.0.1',
  );

type Wrong = { readonly url: string; readonly headers: Record<string, string>; readonly method?: string };

attack(
  'vm view: a request with a changed token, cookie, path, Host or method',
  '403 without content; the token stays valid',
  {
    count: 1000,
    from: fc.oneof(
      fc.record(edit).map(({ at, how }) => (): Wrong => {
        const [path = '', token = ''] = unopened.url.split('?token=');
        return { url: `${path}?token=${edited(token, at, how)}`, headers: {} };
      }),
      fc.record(edit).map(({ at, how }) => (): Wrong => {
        const [name = '', value = ''] = cookie.split('=');
        return { url: page, headers: { cookie: `${name}=${edited(value, at, how)}` } };
      }),
      fc.record(edit).map(({ at, how }) => (): Wrong => {
        const path = edited(new URL(page).pathname.slice(1, -1), at, how);
        return { url: `${originOf(page)}/${path}/page.js`, headers: { cookie } };
      }),
      host('80').map((name) => (): Wrong => ({ url: page, headers: { cookie, host: name } })),
      host('80').map((name) => (): Wrong => ({ url: unopened.url, headers: { host: name } })),
      fc
        .constantFrom('HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE')
        .map((method) => (): Wrong => ({ url: page, headers: { cookie }, method })),
    ),
  },
  async (wrong) => {
    const { url, headers, method } = wrong();
    const real = new URL(url).port;
    const named = headers['host']?.replace('80', real);
    const response = await get(url, { ...headers, ...(named !== undefined && { host: named }) }, method);
    expect([response.status, response.headers['set-cookie']]).toEqual([403, undefined]);
    expect(response.body).not.toContain('<');
  },
);

attack(
  'vm view: the token in two to ten requests at the same time',
  'one request is admitted',
  Array.from({ length: 100 }, (_, i) => 2 + (i % 9)),
  async (atOnce) => {
    await using own = {
      ...(await serveMachine({ vnc: null, isControlled: false, state: () => Promise.reject(), async *console() {} })),
      [Symbol.asyncDispose]: () => own.close('closed'),
    };
    const responses = await Promise.all(Array.from({ length: atOnce }, () => get(own.url)));
    expect(responses.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(responses.filter(({ status }) => status === 403)).toHaveLength(atOnce - 1);
  },
);

/** Reads what the VNC server would receive, and fails for every message that is more than a request for a picture. */
function expectOnlyPictures(bytes: Buffer): void {
  expect(bytes.subarray(0, HANDSHAKE.length)).toEqual(HANDSHAKE.subarray(0, bytes.length));
  let at = HANDSHAKE.length;
  while (at < bytes.length) {
    const type = bytes[at] ?? -1;
    expect([0, 2, 3]).toContain(type);
    at += type === 0 ? 20 : type === 3 ? 10 : 4 + 4 * bytes.readUInt16BE(at + 2);
  }
  expect(at === bytes.length || bytes.length < HANDSHAKE.length).toBe(true);
}

const typed = (type: number, maxBytes: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ minLength: 0, maxLength: maxBytes }).map((bytes) => Buffer.from([type, ...bytes]));

attack(
  'vm view without control: keys, mouse, clipboard, power and size of the screen, cut and mixed, in pieces of any size',
  'no such message reaches the machine',
  {
    count: 10_000,
    from: fc.record({
      messages: fc.array(fc.oneof(...[0, 2, 3, 4, 5, 6, 150, 250, 251, 255].map((type) => typed(type, 40))), {
        maxLength: 30,
      }),
      sizes: fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 40 }),
    }),
  },
  ({ messages, sizes }) => {
    const bytes = Buffer.concat([HANDSHAKE, ...messages]);
    const filter = new ReadOnlyFilter();
    const passed: Uint8Array[] = [];
    let at = 0;
    try {
      for (const size of [...sizes, bytes.length]) {
        passed.push(filter.push(bytes.subarray(at, at + size)));
        at += size;
      }
    } catch (error) {
      expect(String(error)).toContain('the VNC client sent an unknown message');
    }
    expectOnlyPictures(Buffer.concat(passed));
  },
);
