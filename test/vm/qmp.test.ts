import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { inflateSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { queryStatus, screendump, sendKeys } from '../../src/vm/qmp/commands.ts';
import { pngOf } from '../../src/vm/qmp/png.ts';
import { QmpSession } from '../../src/vm/qmp/session.ts';
import { temporaryDirectory } from './support.ts';

const GREETING = '{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}}, "capabilities": []}}\r\n';

interface Asked {
  readonly execute: string;
  readonly arguments: Record<string, unknown>;
  readonly id: number;
}

/** A server that sends the greeting, accepts `qmp_capabilities`, and passes all other commands to a script. */
async function peer(script: (asked: Asked, socket: Socket) => void, greeting = GREETING): Promise<string> {
  const path = join(temporaryDirectory(), 'qmp');
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.write(greeting);
    let held = '';
    socket.on('data', (chunk) => {
      held += chunk.toString();
      const lines = held.split('\n');
      held = lines.pop() ?? '';
      for (const line of lines) {
        const asked = JSON.parse(line) as Asked;
        if (asked.execute === 'qmp_capabilities') socket.write(`{"return": {}, "id": ${asked.id}}\n`);
        else script(asked, socket);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  onTestFinished(() => void server.close());
  return path;
}

function answer(socket: Socket, { id }: Asked, value: unknown): void {
  socket.write(`${JSON.stringify({ return: value, id })}\n`);
}

describe('a session', () => {
  test('matches responses to commands in any order', async () => {
    const waiting: Asked[] = [];
    const path = await peer((asked, socket) => {
      waiting.push(asked);
      if (waiting.length === 3) for (const each of waiting.toReversed()) answer(socket, each, each.execute);
    });
    await using qmp = await QmpSession.connect(path);
    expect(await Promise.all(['a', 'b', 'c'].map((name) => qmp.command(name)))).toEqual(['a', 'b', 'c']);
  });

  test('reads lines in pieces, and several at once', async () => {
    const path = await peer((asked, socket) => {
      const bytes = Buffer.from(
        `{"event": "ONE", "data": {"text": "ä"}}\n\r\n{"event": "TWO"}\n` +
          `{"return": "ü", "id": ${asked.id}}\n{"event": "THREE"}\n`,
      );
      if (asked.execute === 'whole') socket.write(bytes);
      else {
        let i = 0;
        const next = (): void => {
          if (i < bytes.length) socket.write(bytes.subarray(i, ++i), () => setImmediate(next));
        };
        next();
      }
    });
    for (const way of ['whole', 'byte by byte']) {
      await using qmp = await QmpSession.connect(path);
      await using events = qmp.events();
      expect(await qmp.command(way)).toBe('ü');
      expect([(await events.next()).value, (await events.next()).value, (await events.next()).value]).toEqual([
        { name: 'ONE', data: { text: 'ä' } },
        { name: 'TWO', data: {} },
        { name: 'THREE', data: {} },
      ]);
    }
  });

  test('keeps an event that arrives before the response', async () => {
    const path = await peer((asked, socket) => {
      socket.write('{"event": "STOP", "data": {"n": 1}}\n');
      answer(socket, asked, {});
    });
    await using qmp = await QmpSession.connect(path);
    const stopped = qmp.waitForEvent(['RESUME', 'STOP']);
    await qmp.command('stop');
    expect(await stopped).toEqual({ name: 'STOP', data: { n: 1 } });
  });

  test('rejects with the message of QEMU', async () => {
    const path = await peer(
      ({ id }, socket) =>
        void socket.write(`{"error": {"class": "GenericError", "desc": "no \\u001b[31msuch"}, "id": ${id}}\n`),
    );
    await using qmp = await QmpSession.connect(path);
    await expect(qmp.command('x')).rejects.toMatchObject({
      code: 'vm',
      message: expect.stringContaining('QEMU rejected `x`: no ') as string,
    });
  });

  test('times out; a late response is dropped', async () => {
    const path = await peer((asked, socket) => {
      if (asked.execute === 'slow') setTimeout(() => answer(socket, asked, 'late'), 60);
      else setTimeout(() => answer(socket, asked, 'in time'), 90);
    });
    await using qmp = await QmpSession.connect(path);
    await expect(qmp.command('slow', {}, { timeoutMs: 20 })).rejects.toMatchObject({
      code: 'vm',
      message: 'QEMU did not respond to `slow` within 20 ms',
    });
    expect(await qmp.command('other')).toBe('in time');
    await expect(qmp.waitForEvent(['NEVER'], { timeoutMs: 20 })).rejects.toMatchObject({ code: 'vm' });
    await expect(qmp.waitForEvent(['NEVER'], { signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop');
    const controller = new AbortController();
    const asked = qmp.command('slow', {}, { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(asked).rejects.toThrow('enough');
  });

  test('that the other side closes rejects waiting and later calls', async () => {
    const path = await peer((asked, socket) => {
      if (asked.execute === 'b') socket.end('{"event": "LAST"}\n');
    });
    await using qmp = await QmpSession.connect(path);
    await using events = qmp.events();
    const waiting = [qmp.command('a'), qmp.command('b'), qmp.waitForEvent(['NEVER'])];
    for (const each of await Promise.allSettled(waiting))
      expect(each).toMatchObject({ status: 'rejected', reason: { code: 'vm' } });
    expect(await qmp.closed).toBeUndefined();
    await expect(qmp.command('c')).rejects.toMatchObject({
      code: 'vm',
      message: 'QEMU closed the connection before it responded to `c`',
    });
    const seen: string[] = [];
    for await (const { name } of events) seen.push(name);
    expect(seen).toEqual(['LAST']);
    const later: string[] = [];
    for await (const { name } of qmp.events()) later.push(name);
    expect(later).toEqual([]);
  });

  test('whose connection breaks names the command that had no response', async () => {
    const cause = new Error('read ECONNRESET');
    const stream: Duplex = new Duplex({
      read: () => {},
      write: (line: Buffer, _encoding, done) => {
        const { execute, id } = JSON.parse(line.toString()) as Asked;
        if (execute === 'cont') stream.destroy(cause);
        else stream.push(`{"return": {}, "id": ${id}}\n`);
        done();
      },
    });
    stream.push(GREETING);
    await using qmp = await QmpSession.over(stream);
    await expect(qmp.command('cont')).rejects.toMatchObject({
      code: 'vm',
      message: 'the connection to QEMU broke before it responded to `cont`',
      cause,
    });
    expect(await qmp.closed).toMatchObject({ message: 'the connection to QEMU broke', cause });
  });

  test.each([
    ['text', 'hello\n'],
    ['a list', '[1]\n'],
    ['bytes', '\u0000\u00ff\n'],
  ])('ends after %s instead of a message', async (_name, garbage) => {
    const path = await peer((_asked, socket) => void socket.write(garbage));
    await using qmp = await QmpSession.connect(path);
    await expect(qmp.command('x')).rejects.toMatchObject({
      code: 'vm',
      message: expect.stringContaining('not a QMP message') as string,
    });
    expect(await qmp.closed).toMatchObject({ code: 'vm' });
  });

  test('ends after a line that is too long', async () => {
    const path = await peer((_asked, socket) => void socket.write(Buffer.alloc(17 * 1024 * 1024, 'x')));
    await using qmp = await QmpSession.connect(path);
    await expect(qmp.command('x')).rejects.toMatchObject({
      code: 'vm',
      message: expect.stringContaining('longer than') as string,
    });
  });

  test('fails without a listener, and with another protocol', async () => {
    const nobody = join(temporaryDirectory(), 'none');
    await expect(QmpSession.connect(nobody, { timeoutMs: 30 })).rejects.toMatchObject({
      code: 'vm',
      message: `QEMU does not respond on \`${nobody}\``,
    });
    await expect(QmpSession.connect(nobody, { signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop');
    const silent = await peer(() => {}, '');
    await expect(QmpSession.connect(silent, { timeoutMs: 30 })).rejects.toMatchObject({
      code: 'vm',
      message: expect.stringContaining('greeting') as string,
    });
    const stranger = await peer(() => {}, 'SSH-2.0-OpenSSH_9.2\r\n');
    await expect(QmpSession.connect(stranger)).rejects.toMatchObject({
      code: 'vm',
      message: 'not a QMP message: `SSH-2.0-OpenSSH_9.2`',
    });
  });

  test('waits for a socket that appears later', async () => {
    const path = join(temporaryDirectory(), 'late');
    const connecting = QmpSession.connect(path, { timeoutMs: 5000 });
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.write(GREETING);
      socket.on('data', (chunk) => answer(socket, JSON.parse(chunk.toString()) as Asked, {}));
    });
    setTimeout(() => server.listen(path), 30);
    onTestFinished(() => void server.close());
    await using qmp = await connecting;
    expect(await qmp.command('x')).toEqual({});
  });

  test('drops the oldest unread events', async () => {
    const path = await peer((asked, socket) => {
      for (let n = 0; n < 1500; n++) socket.write(`{"event": "N", "data": {"n": ${n}}}\n`);
      answer(socket, asked, {});
    });
    await using qmp = await QmpSession.connect(path);
    await using events = qmp.events();
    await qmp.command('x');
    expect(await events.next()).toMatchObject({ value: { data: { n: 500 } } });
  });
});

describe('commands', () => {
  test('are sent in the format of QEMU', async () => {
    const seen: unknown[] = [];
    const path = await peer((asked, socket) => {
      seen.push([asked.execute, asked.arguments]);
      answer(socket, asked, asked.execute === 'query-status' ? { status: 'paused' } : {});
    });
    await using qmp = await QmpSession.connect(path);
    expect(await queryStatus(qmp)).toBe('paused');
    await sendKeys(qmp, ['ctrl', 'alt', 'delete']);
    expect(seen).toEqual([
      ['query-status', {}],
      [
        'send-key',
        {
          keys: [
            { type: 'qcode', data: 'ctrl' },
            { type: 'qcode', data: 'alt' },
            { type: 'qcode', data: 'delete' },
          ],
        },
      ],
    ]);
  });

  test('rejects an invalid status', async () => {
    const path = await peer((asked, socket) => answer(socket, asked, []));
    await using qmp = await QmpSession.connect(path);
    await expect(queryStatus(qmp)).rejects.toMatchObject({ code: 'vm' });
  });

  test('an invalid screenshot leaves no files', async () => {
    const directory = temporaryDirectory();
    const files = { scratch: join(directory, 's'), target: join(directory, 't.png') };
    const path = await peer((asked, socket) => {
      writeFileSync(files.scratch, 'P6\n2 2\n255\nshort');
      answer(socket, asked, {});
    });
    await using qmp = await QmpSession.connect(path);
    await expect(screendump(qmp, files)).rejects.toMatchObject({
      code: 'vm',
      message: 'QEMU wrote an invalid screenshot',
    });
    expect(existsSync(files.scratch) || existsSync(files.target)).toBe(false);
  });
});

test('converts a PPM to a PNG of the same picture', () => {
  const pixels = Buffer.from([255, 0, 0, 0, 255, 0, 0, 0, 255, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const png = pngOf(Buffer.concat([Buffer.from('P6\n# a comment\n3 2\n255\n'), pixels]));
  const chunks = new Map<string, Buffer>();
  for (let at = 8; at < png.length; at += png.readUInt32BE(at) + 12)
    chunks.set(png.toString('latin1', at + 4, at + 8), png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  expect([...chunks.keys()]).toEqual(['IHDR', 'IDAT', 'IEND']);
  expect(chunks.get('IHDR')?.toString('hex')).toBe('00000003000000020802000000');
  const rows = inflateSync(chunks.get('IDAT') ?? Buffer.alloc(0));
  expect(rows).toEqual(Buffer.concat([Buffer.from([0]), pixels.subarray(0, 9), Buffer.from([0]), pixels.subarray(9)]));
  // The checksum of an empty IEND is the same in every PNG.
  expect(png.subarray(-4).toString('hex')).toBe('ae426082');
  expect(() => pngOf(readFileSync(new URL(import.meta.url)))).toThrow('invalid screenshot');
});
