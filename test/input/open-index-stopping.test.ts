import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { openIndex } from '../../src/input/open-index.ts';
import { collect, cut, failure, failureOf, fixture, SOURCES, TEXT, writeIndex } from './support.ts';

describe('stopping', () => {
  test('nothing is opened before the first chunk is requested', () => {
    expect(openIndex('/no/such/file')).toMatchObject({ name: '/no/such/file' });
  });

  test('an early stop closes standard input', async () => {
    const child = spawn(process.execPath, [
      '-e',
      'process.stdout.on("error", () => process.exit(7)); setInterval(() => process.stdout.write("x".repeat(1e5)), 1)',
    ]);
    for await (const chunk of openIndex('-', { stdin: child.stdout }).chunks) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    expect(child.stdout.destroyed).toBe(true);
    const [code] = (await once(child, 'exit')) as [number];
    expect(code).toBe(7);
  });

  test.each([undefined, new AbortController().signal])(
    'the source is closed after the end, an error and an early stop',
    async (signal) => {
      const closed: string[] = [];
      async function* source(name: string, bytes: Uint8Array): AsyncGenerator<Uint8Array> {
        try {
          yield* cut(bytes, 1000);
        } finally {
          closed.push(name);
        }
      }
      await collect(openIndex(source('ended', TEXT), { signal }).chunks);
      await failure(openIndex(source('refused', TEXT), { signal, limits: { maxTextBytes: 5000 } }));
      for await (const chunk of openIndex(source('stopped', TEXT), { signal }).chunks) if (chunk.length > 0) break;
      expect(closed).toEqual(['ended', 'refused', 'stopped']);
    },
  );

  test('a signal stops a silent source; its reason is thrown', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    const stop = new AbortController();
    const reason = new Error('stopped');
    const reading = failureOf(collect(openIndex('-', { stdin: child.stdout, signal: stop.signal }).chunks));
    stop.abort(reason);
    expect(await reading).toBe(reason);
    child.kill();
  });

  test.each(SOURCES)('a signal stops $compression between two chunks', async ({ bytes }) => {
    const stop = new AbortController();
    const reason = new Error('stopped');
    const twice = cut(Buffer.concat(Array.from({ length: 20 }, () => bytes)), 100_000);
    const reading = async (): Promise<void> => {
      for await (const chunk of openIndex(twice, { signal: stop.signal }).chunks)
        if (chunk.length > 0) stop.abort(reason);
    };
    expect(await failureOf(reading())).toBe(reason);
    expect(await failureOf(collect(openIndex(cut(bytes, 1000), { signal: stop.signal }).chunks))).toBe(reason);
  });

  test('a second iteration throws', async () => {
    const input = openIndex(writeIndex(TEXT));
    await collect(input.chunks);
    expect(await failureOf(collect(input.chunks))).toMatchObject({
      message: expect.stringContaining('only once') as string,
    });
  });

  test('the facts are unknown before the end and after an error', async () => {
    const input = openIndex(writeIndex(fixture('records.xz').subarray(0, 9000)));
    expect(() => input.facts()).toThrow('known after its last chunk');
    await failure(input);
    expect(() => input.facts()).toThrow('known after its last chunk');
  });
});

describe('in a child process', () => {
  const module = new URL('../../dist/input/open-index.js', import.meta.url).href;

  /** Runs a program that can call `openIndex`. Returns its output and exit code. */
  async function run(
    program: string,
    stdin: Uint8Array,
    flags: readonly string[] = [],
  ): Promise<readonly [string, number]> {
    const child = spawn(
      process.execPath,
      [...flags, '--input-type=module', '-e', `import { openIndex } from ${JSON.stringify(module)};\n${program}`],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    child.stdin.on('error', () => undefined);
    child.stdin.end(stdin);
    const [output, [code]] = await Promise.all([collect(child.stdout), once(child, 'exit') as Promise<[number]>]);
    return [output.toString(), code];
  }

  test.each(SOURCES)('$compression from standard input; then the process exits', async ({ compression, bytes }) => {
    const program =
      "const input = openIndex('-'); let n = 0; for await (const chunk of input.chunks) n += " +
      'chunk.length; console.log(n, input.facts().compression);';
    expect(await run(program, bytes)).toEqual([`${TEXT.length} ${compression}\n`, 0]);
  });

  test('with a signal, no chunk is retained after its turn', async () => {
    // Each retained chunk holds about 700 bytes of the heap, which is limited to 32 MB.
    const program = `async function* source() { for (let i = 0; i < 300_000; i += 1) yield new Uint8Array([10]); }
      let n = 0;
      const { signal } = new AbortController();
      for await (const chunk of openIndex(source(), { signal }).chunks) n += chunk.length;
      console.log(n);`;
    expect(await run(program, TEXT, ['--max-old-space-size=32'])).toEqual(['300000\n', 0]);
  });

  test.each(SOURCES)('$compression, stopped early: the process exits', async ({ bytes }) => {
    const program = "for await (const chunk of openIndex('-').chunks) { console.log(chunk.length > 0); break; }";
    expect(await run(program, Buffer.concat([bytes, bytes, bytes]))).toEqual(['true\n', 0]);
  });
});
