import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ReadOnlyFilter } from '../../src/serve/view/read-only.ts';
import { SEED } from '../support/seed.ts';
import { HANDSHAKE, KEY, POINTER, UPDATE_REQUEST } from './view-support.ts';

const PIXEL_FORMAT = Buffer.from([0, 0, 0, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0]);
const ENCODINGS = Buffer.from([2, 0, 0, 2, 0, 0, 0, 0, 255, 255, 255, 33]);
const PASSING = [PIXEL_FORMAT, ENCODINGS, UPDATE_REQUEST];

const cutText = (bytes: number, sign: 1 | -1): Buffer => {
  const head = Buffer.from([6, 0, 0, 0, 0, 0, 0, 0]);
  head.writeInt32BE(sign * bytes, 4);
  // A key event inside the text is text.
  return Buffer.concat([head, Buffer.alloc(bytes, KEY)]);
};
const DROPPED = {
  KeyEvent: KEY,
  PointerEvent: POINTER,
  'ClientCutText, empty': cutText(0, 1),
  ClientCutText: cutText(300, 1),
  'ClientCutText, extended': cutText(300, -1),
  'a power command': Buffer.from([250, 0, 1, 2]),
  SetDesktopSize: Buffer.concat([Buffer.from([251, 0, 4, 0, 3, 0, 2, 0]), Buffer.alloc(32)]),
  'an extended key event of QEMU': Buffer.from([255, 0, 0, 1, 0, 0, 0, 97, 0, 0, 0, 30]),
};

/** Returns what passes of bytes that arrive in pieces of these sizes. */
function passed(bytes: Buffer, sizes: readonly number[] = []): Buffer {
  const filter = new ReadOnlyFilter();
  const out: Uint8Array[] = [];
  let at = 0;
  for (const size of [...sizes, bytes.length]) {
    out.push(filter.push(bytes.subarray(at, at + size)));
    at += size;
  }
  return Buffer.concat(out);
}

describe('a client that can only watch', () => {
  test.each(Object.entries(DROPPED))('%s does not pass', (_name, message) => {
    const bytes = Buffer.concat([HANDSHAKE, ...PASSING, message, UPDATE_REQUEST]);
    const expected = Buffer.concat([HANDSHAKE, ...PASSING, UPDATE_REQUEST]);
    expect(passed(bytes)).toEqual(expected);
    expect(passed(bytes, Array<number>(bytes.length).fill(1))).toEqual(expected);
  });

  test.each([
    ['an older version, which has no security type', Buffer.from('RFB 003.003\n\x01', 'latin1')],
    ['another security type', Buffer.from('RFB 003.008\n\x02', 'latin1')],
    ['a message that is not known', Buffer.concat([HANDSHAKE, Buffer.from([99])])],
    ['audio of QEMU', Buffer.concat([HANDSHAKE, Buffer.from([255, 1, 0, 0])])],
  ])('%s is refused', (_name, bytes) => {
    expect(() => passed(bytes)).toThrow('the VNC client sent an unknown');
  });

  test('a text of 2 GiB takes no memory', () => {
    const filter = new ReadOnlyFilter();
    filter.push(Buffer.concat([HANDSHAKE, Buffer.from([6, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff])]));
    for (let i = 0; i < 100; i++) expect(filter.push(Buffer.alloc(65_536, 4))).toHaveLength(0);
  });

  test('of any messages in any pieces, exactly those that pass arrive', () => {
    const message = fc.constantFrom(
      ...PASSING.map((bytes) => ({ bytes, passes: true })),
      ...Object.values(DROPPED).map((bytes) => ({ bytes, passes: false })),
    );
    fc.assert(
      fc.property(fc.array(message), fc.array(fc.integer({ min: 0, max: 40 })), (messages, sizes) => {
        const bytes = Buffer.concat([HANDSHAKE, ...messages.map((each) => each.bytes)]);
        const expected = [HANDSHAKE, ...messages.flatMap((each) => (each.passes ? [each.bytes] : []))];
        expect(passed(bytes, sizes)).toEqual(Buffer.concat(expected));
      }),
      { seed: SEED, numRuns: 300 },
    );
  });
});
