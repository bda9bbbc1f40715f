import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, onTestFinished } from 'vitest';
import type { Digest } from '../../src/repo/files/file.ts';

/** 14 November 2023, 22:13:20. */
export const DATE_SECONDS = 1_700_000_000;

/** A directory of one's own, gone after the test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'cygstrap-media-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export function hasTool(tool: string): boolean {
  return spawnSync(tool, ['--version'], { stdio: 'ignore' }).error === undefined;
}

/** Describes what needs tools of the system. Without one it is skipped, and says so; in CI it is run, and fails. */
export function describeWith(tools: readonly string[], name: string, tests: () => void): void {
  const missing = tools.filter((tool) => !hasTool(tool));
  const isSkipped = missing.length > 0 && process.env['CI'] !== '1';
  describe.skipIf(isSkipped)(isSkipped ? `${name} (skipped without ${missing.join(', ')})` : name, tests);
}

export function run(tool: string, ...args: string[]): string {
  const { stdout, stderr, status } = spawnSync(tool, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    env: { ...process.env, TZ: 'UTC', LC_ALL: 'C.UTF-8' },
  });
  if (status !== 0) throw new Error(`${tool} ${args.join(' ')}: ${stderr}`);
  return stdout;
}

export function sha512(bytes: Uint8Array | string): string {
  return createHash('sha512').update(bytes).digest('hex');
}

export function digestOf(bytes: Uint8Array | string): Digest {
  return { algorithm: 'sha512', hex: sha512(bytes) };
}

/** A file of a crafted image: parts at places of the image. */
export interface CraftedFile {
  readonly name: string;
  readonly extents: readonly { readonly sector: number; readonly sizeBytes: number }[];
}

const SECTOR = 2048;

/** The first sectors of an ISO image with one directory of files, written by hand: what xorriso makes of no small
 *  file, such as several extents. Content belongs to sector 24 and beyond. */
export function craftIso(files: readonly CraftedFile[]): Buffer {
  const image = Buffer.alloc(24 * SECTOR);
  const rootOf = (sector: number): Buffer => record(Buffer.of(0), { sector, sizeBytes: SECTOR, flags: 2 });
  descriptor(image, 16, { type: 1, root: rootOf(20) });
  descriptor(image, 17, { type: 2, root: rootOf(21), escape: '%/E' });
  descriptor(image, 18, { type: 255 });
  for (const [sector, isJoliet] of [
    [20, false],
    [21, true],
  ] as const) {
    const parent = record(Buffer.of(1), { sector, sizeBytes: SECTOR, flags: 2 });
    const own = files.flatMap(({ name, extents }, number) =>
      extents.map((extent, i) => {
        const flags = i < extents.length - 1 ? 0x80 : 0;
        if (isJoliet) return record(Buffer.from(name, 'utf16le').swap16(), { ...extent, flags });
        const alternate = Buffer.concat([Buffer.from('NM'), Buffer.of(5 + name.length, 1, 0), Buffer.from(name)]);
        return record(Buffer.from(`F${number}.;1`), { ...extent, flags, systemUse: alternate });
      }),
    );
    Buffer.concat([rootOf(sector), parent, ...own]).copy(image, sector * SECTOR);
  }
  return image;
}

function descriptor(
  image: Buffer,
  sector: number,
  { type, root, escape = '' }: { readonly type: number; readonly root?: Buffer; readonly escape?: string },
): void {
  const at = sector * SECTOR;
  image.writeUInt8(type, at);
  image.write('CD001', at + 1, 'latin1');
  image.writeUInt8(1, at + 6);
  image.write(escape, at + 88, 'latin1');
  image.writeUInt16LE(SECTOR, at + 128);
  image.writeUInt16BE(SECTOR, at + 130);
  root?.copy(image, at + 156);
}

function record(
  identifier: Buffer,
  {
    sector,
    sizeBytes,
    flags,
    systemUse = Buffer.alloc(0),
  }: { readonly sector: number; readonly sizeBytes: number; readonly flags: number; readonly systemUse?: Buffer },
): Buffer {
  const start = 33 + identifier.length + (1 - (identifier.length % 2));
  const bytes = Buffer.alloc(start + systemUse.length + (systemUse.length % 2));
  bytes.writeUInt8(bytes.length, 0);
  bytes.writeUInt32LE(sector, 2);
  bytes.writeUInt32BE(sector, 6);
  bytes.writeUInt32LE(sizeBytes, 10);
  bytes.writeUInt32BE(sizeBytes, 14);
  bytes.writeUInt8(flags, 25);
  bytes.writeUInt8(identifier.length, 32);
  identifier.copy(bytes, 33);
  systemUse.copy(bytes, start);
  return bytes;
}
