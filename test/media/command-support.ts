import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { makeMedia } from '../../src/api/media.ts';
import type { MediaRequest, MediaResult } from '../../src/api/media.ts';
import { readIso } from '../../src/media/read/iso.ts';
import { parseText } from '../../src/core/setup-ini/parser/parse.ts';
import { temporaryDirectory } from './support.ts';

export const RELEASE = resolve('fixtures/release');
export const KEY = join(RELEASE, 'key.gpg');

/** Directory of the repos of a test file, created before its tests. */
export let base = '';
beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), 'cygstrap-media-'));
  await fetch('repo', 'openssh', 'gcc-core');
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** Runs the command line in this process. */
export async function run(...argv: readonly string[]): Promise<{ exit: number; stdout: string; stderr: string }> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const texts = Promise.all([text(stdout), text(stderr)]);
  const exit = await main(argv, {
    stdin: Readable.from([]),
    stdout,
    stderr,
    env: { XDG_CACHE_HOME: join(base, 'cache') },
  });
  stdout.end();
  stderr.end();
  const [out, err] = await texts;
  return { exit, stdout: out, stderr: err };
}

/** `cygstrap fetch` into a repo with a lock beside it. */
export async function fetch(repo: string, ...argv: readonly string[]): Promise<{ repo: string; lock: string }> {
  const places = { repo: join(base, repo), lock: join(base, `${repo}.lock.json`) };
  const { exit, stderr } = await run(
    'fetch',
    ...argv,
    '--repo',
    places.repo,
    '--lock',
    places.lock,
    '--site',
    RELEASE,
    '--keyring',
    KEY,
  );
  expect(stderr.replaceAll(/^(?:note|warning): .*\n/gm, '')).toBe('');
  expect(exit).toBe(0);
  return places;
}

let copies = 0;

/** A copy of the repo, to be spoilt. */
export function copied(repo = 'repo'): { repo: string; lock: string } {
  const copy = join(base, `copy-${++copies}`);
  cpSync(join(base, repo), copy, { recursive: true, preserveTimestamps: true });
  return { repo: copy, lock: join(base, `${repo}.lock.json`) };
}

export async function media(
  request: Pick<MediaRequest, 'repo' | 'lock'> & Partial<MediaRequest>,
  signal?: AbortSignal,
): Promise<MediaResult> {
  return makeMedia({ out: join(temporaryDirectory(), 'out'), add: [], keyring: [KEY], ...request }, { signal });
}

/** Every file of an image, as Windows sees it, with its content. */
export async function contentsOf(image: string): Promise<Record<string, Buffer>> {
  const file = await open(image, 'r');
  try {
    const { joliet } = await readIso(file);
    const bytes = readFileSync(image);
    return Object.fromEntries(
      joliet.map(({ path, extents }) => [
        path,
        Buffer.concat(extents.map(({ startByte, sizeBytes }) => bytes.subarray(startByte, startByte + sizeBytes))),
      ]),
    );
  } finally {
    await file.close();
  }
}

export const ARCHIVES = [
  'noarch/release/base-files/base-files-4.4-1-noarch.tar.xz',
  'x86_64/release/bash/bash-5.2.21-1-x86_64.tar.xz',
  'x86_64/release/cygwin/cygwin-3.5.4-1-x86_64.tar.xz',
  'x86_64/release/gcc-core/gcc-core-13.2.0-1-x86_64.tar.zst',
  'x86_64/release/libssl3/libssl3-3.0.13-1-x86_64.tar.xz',
  'x86_64/release/openssh/openssh-9.8p1-1-x86_64.tar.zst',
];

export function listedIn(index: Buffer | undefined): string[] {
  const { records } = parseText(index?.toString() ?? '', { file: 'setup.ini' });
  return records
    .flatMap(({ versions }) =>
      versions.flatMap(({ install, source }) => [install?.path ?? [], source?.archive.path ?? []].flat()),
    )
    .sort();
}
