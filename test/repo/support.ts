import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { onTestFinished } from 'vitest';
import type { RepoFile } from '../../src/repo/files/file.ts';
import { parseRepoPath } from '../../src/repo/files/path.ts';
import type { OpenSource, Resume } from '../../src/repo/files/source.ts';
import { Store } from '../../src/repo/store.ts';
import type { StoreOptions } from '../../src/repo/store.ts';
import { SetupIniParser } from '../../src/core/setup-ini/parser/parse.ts';
import type { PackageRecord } from '../../src/core/setup-ini/records.ts';

/** A directory of one's own, gone after the test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'cygstrap-mirror-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A store in a new repo, or in `root`, of one site if it is given; closed after the test, if it is not before. */
export async function openStore(root: string, options: StoreOptions = {}, site?: string): Promise<Store> {
  const store = await Store.open(root, site === undefined ? { kind: 'flat' } : { kind: 'site', site }, options);
  onTestFinished(() => store.close());
  return store;
}

/** Bytes that differ with `seed`, of any length. */
export function bytesOf(seed: number, sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  let state = seed >>> 0;
  for (let at = 0; at < sizeBytes; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

export function fileOf(path: string, bytes: Uint8Array, algorithm: 'sha512' | 'md5' = 'sha512'): RepoFile {
  return {
    path: parseRepoPath(path),
    sizeBytes: bytes.length,
    digest: { algorithm, hex: createHash(algorithm).update(bytes).digest('hex') },
  };
}

/** A source that behaves: sends `bytes` in pieces, from where it is asked to. `asked` gets what was asked. */
export function sourceOf(
  bytes: Uint8Array,
  {
    asked,
    pieceBytes = 65_536,
    validator = '"one"',
  }: { asked?: Resume[]; pieceBytes?: number; validator?: string } = {},
): OpenSource {
  return async (resume) => {
    asked?.push(resume);
    const startByte = resume.validator === undefined || resume.validator === validator ? resume.fromByte : 0;
    return { startByte, validator, chunks: piecesOf(bytes.subarray(startByte), pieceBytes) };
  };
}

export async function* piecesOf(bytes: Uint8Array, pieceBytes = 65_536): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

/** Fails the test when the store asks for anything. */
export const noSource: OpenSource = async () => {
  throw new Error('nothing should be asked for');
};

/** Every file below a directory and its content, our own directory aside. */
export function treeOf(root: string): Record<string, string> {
  const entries = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = entries.map(({ parentPath, name }) => relative(root, join(parentPath, name))).sort();
  const files = paths.filter((path) => !path.startsWith('.cygstrap'));
  return Object.fromEntries(
    files.map((path) => [
      path,
      createHash('md5')
        .update(readFileSync(join(root, path)))
        .digest('hex'),
    ]),
  );
}

export function writeTree(root: string, files: Readonly<Record<string, Uint8Array | string>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
}

export function recordsOf(text: string | Uint8Array): readonly PackageRecord[] {
  const parser = new SetupIniParser({ file: 'setup.ini' });
  return [...parser.push(typeof text === 'string' ? Buffer.from(text) : text), ...parser.end()];
}

/** The text of an index of packages with one version each. */
export function indexOf(
  packages: readonly {
    readonly name: string;
    readonly version: string;
    readonly file: RepoFile;
    readonly source?: RepoFile;
  }[],
): string {
  const blocks = packages.map(({ name, version, file, source }) => {
    const sourceLine = source === undefined ? '' : `source: ${source.path} ${source.sizeBytes} ${source.digest?.hex}\n`;
    return (
      `\n@ ${name}\nsdesc: "${name}"\ncategory: Test\nversion: ${version}\ninstall: ${file.path} ` +
      `${file.sizeBytes} ${file.digest?.hex}\n${sourceLine}`
    );
  });
  return `release: cygwin\narch: x86_64\nsetup-timestamp: 1700000000\n${blocks.join('')}`;
}
