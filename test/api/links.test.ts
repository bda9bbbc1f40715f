import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeBundle } from '../../src/api/bundle.ts';
import { fetchRepo } from '../../src/api/fetch.ts';
import { makeMedia } from '../../src/api/media.ts';
import { pruneRepo } from '../../src/api/prune.ts';
import { verifyRepo } from '../../src/api/verify.ts';
import type { Event } from '../../src/events.ts';
import { serveDirectory } from '../../src/serve/serve.ts';

const RELEASE = resolve('fixtures/release');

let dir: string;
let repo: string;
let lock: string;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'cygstrap-links-'));
  repo = join(dir, 'repo');
  lock = join(dir, 'lock.json');
  await fetch();
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

async function fetch(): Promise<unknown> {
  return fetchRepo(
    { packages: ['bash'], repo, sites: [RELEASE], keyring: [join(RELEASE, 'key.gpg')], lock },
    { report: () => {} },
  );
}

/** Moves something out of the repo and puts a link to it in its place. */
function replaceByLink(path: string): void {
  const moved = join(dir, 'moved');
  renameSync(join(repo, path), moved);
  symlinkSync(moved, join(repo, path));
}

function filesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).toSorted();
}

/** The error that names a link. */
function naming(link: string): object {
  return expect.objectContaining({
    code: 'repo',
    message: expect.stringContaining(`\`${join(repo, link)}\` is a symbolic link`) as string,
  }) as object;
}

const bundle = (): Promise<unknown> => makeBundle({ repo, lock, out: join(dir, 'bundle.tar') }, { report: () => {} });
const media = (): Promise<unknown> => makeMedia({ repo, lock, out: join(dir, 'media') }, { report: () => {} });

async function get(path: string): Promise<{ status: number; body: string }> {
  const server = await serveDirectory(repo);
  try {
    const response = await globalThis.fetch(`${server.url}${path}`);
    return { status: response.status, body: await response.text() };
  } finally {
    await server.close(0);
  }
}

function archiveOf(name: string): string {
  const { packages } = JSON.parse(readFileSync(lock, 'utf8')) as { packages: { name: string; path: string }[] };
  return packages.find((each) => each.name === name)?.path ?? expect.unreachable(name);
}

describe.skipIf(process.platform === 'win32')(
  'one rule for links in a repo (skipped on Windows: links need rights)',
  () => {
    test('a directory of an archive that is a link is reported by every command', async () => {
      const archive = archiveOf('bash');
      const link = dirname(archive);
      replaceByLink(link);
      const before = filesIn(join(dir, 'moved'));

      await expect(fetch()).rejects.toEqual(naming(link));
      const { findings, damaged } = await verifyRepo({ repo, locks: [lock] });
      expect(findings.map(({ kind, path }) => `${kind} ${path}`)).toEqual([`link ${link}`, `missing ${archive}`]);
      expect(damaged).toBe(2);
      const events: Event[] = [];
      const plan = { repo, locks: [], confirmed: true };
      const pruned = await pruneRepo(plan, { report: (event) => void events.push(event) });
      expect(pruned.remove).toEqual([]);
      expect(events.filter(({ kind }) => kind === 'warning')).toEqual([
        { kind: 'warning', message: `\`${link}\` is a symbolic link: it is neither followed nor deleted` },
      ]);
      await expect(bundle()).rejects.toEqual(naming(link));
      await expect(media()).rejects.toMatchObject({ message: expect.stringContaining(`\`${link}\`: link`) as string });
      const served = await get(archive);
      expect(served).toEqual({
        status: 403,
        body: `403 forbidden: \`${link}\` is a symbolic link, which is not followed\n`,
      });
      expect(filesIn(join(dir, 'moved'))).toEqual(before);
    });

    test('an archive that is a link is reported, and replaced by a fetch', async () => {
      const archive = archiveOf('bash');
      replaceByLink(archive);

      const { findings } = await verifyRepo({ repo, locks: [lock] });
      expect(findings).toMatchObject([{ kind: 'link', path: archive, file: { path: archive } }]);
      const { remove } = await pruneRepo({ repo, confirmed: true });
      expect(remove).toEqual([]);
      await expect(bundle()).rejects.toEqual(naming(archive));
      await expect(media()).rejects.toMatchObject({
        message: expect.stringContaining(`\`${archive}\`: link`) as string,
      });
      expect((await get(archive)).status).toBe(403);

      await fetch();
      expect(await verifyRepo({ repo, locks: [lock] })).toMatchObject({ findings: [], damaged: 0 });
      await bundle();
    });

    test.each(['x86_64', '.cygstrap'])(
      'the directory `%s` that is a link is an error of every command',
      async (link) => {
        const archive = archiveOf('bash');
        replaceByLink(link);
        const before = filesIn(join(dir, 'moved'));
        for (const command of [
          fetch,
          () => verifyRepo({ repo, locks: [lock] }),
          () => pruneRepo({ repo }),
          bundle,
          media,
        ])
          await expect(command()).rejects.toEqual(naming(link));
        if (link === 'x86_64') expect((await get(archive)).status).toBe(403);
        expect(filesIn(join(dir, 'moved'))).toEqual(before);
      },
    );

    test('an index that is a link is an error of every command that reads it', async () => {
      const link = 'x86_64/setup.ini';
      replaceByLink(link);
      for (const command of [() => verifyRepo({ repo, locks: [lock] }), () => pruneRepo({ repo }), bundle, media])
        await expect(command()).rejects.toEqual(naming(link));
      expect((await get(link)).status).toBe(403);
      await fetch();
      expect(await verifyRepo({ repo, locks: [lock] })).toMatchObject({ findings: [], damaged: 0 });
    });

    test('a link that hides nothing is unlisted', async () => {
      mkdirSync(join(dir, 'other'));
      symlinkSync(join(dir, 'other'), join(repo, 'x86_64/release/other'));
      expect(await verifyRepo({ repo, locks: [lock] })).toMatchObject({
        findings: [{ kind: 'unlisted', path: 'x86_64/release/other' }],
        damaged: 0,
      });
    });

    test('the repo itself may be a link', async () => {
      cpSync(repo, join(dir, 'real'), { recursive: true });
      rmSync(repo, { recursive: true });
      symlinkSync(join(dir, 'real'), repo);
      await fetch();
      expect(await verifyRepo({ repo, locks: [lock] })).toMatchObject({ findings: [], damaged: 0 });
      expect((await get(archiveOf('bash'))).status).toBe(200);
    });
  },
);
