import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { expect, onTestFinished } from 'vitest';
import type { Compression } from '../../src/input/sniff.ts';
import { InputError } from '../../src/input/input-error.ts';
import type { IndexInput } from '../../src/input/open-index.ts';

/** The text of every fixture in fixtures/input: 135 kB, two blocks of zstd and of `bzip2 -1`. */
export const TEXT = Buffer.from(
  ['release: cygwin', 'arch: x86_64', 'setup-timestamp: 1754100000', 'setup-version: 2.934']
    .concat(Array.from({ length: 900 }, (_, at) => recordOf(at)))
    .join('\n'),
);

function recordOf(at: number): string {
  const digest = Buffer.from(`${at * 7919}`)
    .toString('hex')
    .padEnd(64, `${at}`);
  return (
    `\n@ package${at}\nsdesc: "Package number ${at}"\nversion: ${at % 9}.${at % 11}-1\ninstall: p/${at}` +
    `.tar.xz ${at * 31} ${digest}`
  );
}

/** TEXT compressed by the reference tools: `zstd -19`, `xz`, `bzip2 -1`; gzip by node:zlib. */
export const FIXTURES: readonly { readonly compression: Compression; readonly bytes: Buffer }[] = [
  { compression: 'zst', bytes: fixture('records.zst') },
  { compression: 'xz', bytes: fixture('records.xz') },
  { compression: 'bz2', bytes: fixture('records.bz2') },
  { compression: 'gz', bytes: gzipSync(TEXT) },
];

export function fixture(name: string): Buffer {
  return readFileSync(fileURLToPath(new URL(`../../fixtures/input/${name}`, import.meta.url)));
}

/** Creates a directory that is removed after the test. */
export function tempDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'cygstrap-input-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(Uint8Array.from(chunk));
  return Buffer.concat(all);
}

/** Yields chunks of the given size. */
export async function* cut(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** Returns the reason of a rejection; undefined if the promise resolves. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  return undefined;
}

/** Compresses with a program of this host. */
export function compressWith(tool: string, args: readonly string[], text: Uint8Array): Buffer {
  const { stdout, status, stderr } = spawnSync(tool, args, { input: text, maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(`${tool} fails: ${String(stderr)}`);
  return stdout;
}

/** Returns whether the host has the program. */
export function hasTool(tool: string): boolean {
  return spawnSync(tool, ['--version'], { stdio: 'ignore' }).status === 0;
}

/** Packs bit fields into bytes, most significant bit first. */
export function packBits(fields: readonly (readonly [value: number | bigint, bits: number])[]): Uint8Array {
  const text = fields.map(([value, bits]) => BigInt(value).toString(2).padStart(bits, '0')).join('');
  const padded = text.padEnd(Math.ceil(text.length / 8) * 8, '0');
  return Uint8Array.from({ length: padded.length / 8 }, (_, at) =>
    Number.parseInt(padded.slice(at * 8, at * 8 + 8), 2),
  );
}

/** TEXT in each form that an index can have. */
export const SOURCES = [...FIXTURES, { compression: 'none' as const, bytes: TEXT }];

/** Writes a file that is removed after the test. Returns its path. */
export function writeIndex(bytes: Uint8Array, name = 'setup.ini'): string {
  const path = join(tempDir(), name);
  writeFileSync(path, bytes);
  return path;
}

/** Reads an index that must fail. Returns its error. */
export async function failure(input: IndexInput): Promise<InputError> {
  const error = await failureOf(collect(input.chunks));
  expect(error).toBeInstanceOf(InputError);
  return error as InputError;
}

/** Returns the bytes many times in a row. */
export function repeat(bytes: Uint8Array, times: number): Buffer {
  return Buffer.concat(Array.from({ length: times }, () => bytes));
}
