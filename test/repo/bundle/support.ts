import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lock, LockedPackage } from '../../../src/core/lock/lock.ts';
import { printLock } from '../../../src/core/lock/print.ts';
import { publishSubset } from '../../../src/repo/publish.ts';
import { Store } from '../../../src/repo/store.ts';
import { subsetIndex } from '../../../src/repo/subset.ts';
import { parseText } from '../../../src/core/setup-ini/parser/parse.ts';
import { filesOfLock } from '../../../src/api/repo-files.ts';
import { lock } from '../../core/lock/support.ts';

export function sha512(bytes: Uint8Array | string): string {
  return createHash('sha512').update(bytes).digest('hex');
}

/** The bytes of an archive, which are a matter of its name and version alone. */
export function archiveOf(name: string, version: string, sizeBytes: number): Buffer {
  return Buffer.alloc(sizeBytes, sha512(`${name} ${version}`));
}

export type Versions = Readonly<Record<string, readonly [version: string, sizeBytes: number]>>;

export function lockFor(versions: Versions): Lock {
  return lock(
    Object.entries(versions).map(([name, [version, size]]): LockedPackage => {
      const path = `x86_64/release/${name}/${name}-${version}.tar.xz`;
      return { name, version, index: 0, path, size, sha512: sha512(archiveOf(name, version, size)) };
    }),
    { packages: Object.keys(versions) },
  );
}

/** Makes a repo as fetch does, and its lock beside it. */
export async function makeRepo(
  dir: string,
  versions: Versions,
): Promise<{ repo: string; lockFile: string; lock: Lock }> {
  const made = lockFor(versions);
  const repo = join(dir, 'repo');
  mkdirSync(repo, { recursive: true });
  const text = made.packages.map(
    ({ name, version, path, size, sha512: hex }) =>
      `@ ${name}\nsdesc: "${name}"\ncategory: Misc\nversion: ${version}\ninstall: ${path} ${size} ${hex}\n`,
  );
  const { header, records } = parseText(
    `release: demo\narch: x86_64\nsetup-timestamp: 1700000000\n\n${text.join('\n')}`,
    { file: 'x' },
  );
  const store = await Store.open(repo, { kind: 'flat' });
  const files = [];
  for (const file of filesOfLock(made)) {
    const pkg = made.packages.find(({ path }) => path === file.path);
    const bytes = archiveOf(pkg?.name ?? '', pkg?.version ?? '', file.sizeBytes);
    files.push(await store.put(file, async () => ({ startByte: 0, validator: undefined, chunks: chunksOf(bytes) })));
  }
  await publishSubset(store, 'x86_64', subsetIndex({ header, records, files }));
  await store.close();
  const lockFile = join(dir, 'cygstrap.lock.json');
  writeFileSync(lockFile, printLock(made));
  return { repo, lockFile, lock: made };
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}

/** Every file of a repo that somebody might read, with its content. */
export function contentsOf(repo: string): Record<string, string> {
  const paths = readdirSync(repo, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map(({ parentPath, name }) => join(parentPath, name).slice(repo.length + 1))
    .filter((path) => !path.startsWith('.cygstrap'))
    .sort();
  return Object.fromEntries(paths.map((path) => [path, sha512(readFileSync(join(repo, path)))]));
}
