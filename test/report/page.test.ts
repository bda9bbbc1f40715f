import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadCatalog } from '../../src/api/load-catalog.ts';
import { makeLock } from '../../src/api/lock.ts';
import { printLock } from '../../src/core/lock/print.ts';
import { openFile } from '../../src/io/open-file.ts';
import { runCli } from '../support/run-cli.ts';
import { HOSTILE, directory, htmlOf, indexOf, loaded } from './support.ts';

const RELEASE = resolve('fixtures/release');

describe('the file', () => {
  test('has a policy with the digests of its script and style, and no HTML from the index', async () => {
    const html = await htmlOf({ kind: 'plan', loaded: await loaded(indexOf(0)), request: { packages: ['app'] } });
    const digest = (tag: string): string => {
      const [, content = ''] = new RegExp(`<${tag}>([^]*?)</${tag}>`).exec(html) ?? [];
      return createHash('sha256').update(content).digest('base64');
    };
    expect(html).toContain(
      `content="default-src 'none'; script-src 'sha256-${digest('script')}'; style-src 'sha256-${digest('style')}'; ` +
        "img-src data:; base-uri 'none'; form-action 'none'",
    );
    expect(html).not.toContain('<img');
    expect(html.match(/<\/script>/g)).toHaveLength(2);
    expect(html).not.toMatch(/@(policy|style|data|script)@/);
  });

  test('a text of the index that looks like a place of the template stays', async () => {
    const index = indexOf(0).replace('About libone', () => "$& $' @script@");
    const html = await htmlOf({ kind: 'plan', loaded: await loaded(index), request: { packages: ['app'] } });
    expect(html).toContain(`"$& $' @script@"`);
  });
});

interface PageData {
  readonly title: string;
  readonly packages: readonly unknown[][];
  readonly reasons: readonly string[];
  readonly difference: { readonly added: unknown[]; readonly changed: unknown[] } | null;
  readonly note: unknown;
}

/** Returns the data in a page. */
function dataIn(file: string): PageData {
  const [, json = ''] =
    /<script id="data" type="application\/json">(.*?)<\/script>/.exec(readFileSync(file, 'utf8')) ?? [];
  return JSON.parse(json);
}

describe('the command', () => {
  test('writes a page of a plan, a lock with what changed, and reports as JSON', async () => {
    const root = await directory();
    const [index, old, lock, oldLock, out] = ['new.ini', 'old.ini', 'lock.json', 'old.json', 'out.html'].map((name) =>
      join(root, name),
    ) as [string, string, string, string, string];
    await writeFile(index, indexOf(0, { version: '2-1' }));
    await writeFile(old, indexOf(0));
    for (const [from, to] of [
      [index, lock],
      [old, oldLock],
    ] as const) {
      const made = await makeLock(await loadCatalog(from), { packages: ['app'] });
      if (made.kind !== 'lock') throw new Error('no plan');
      await writeFile(to, printLock(made.lock));
    }
    const data = (): PageData => dataIn(out);
    const report = (...words: string[]): ReturnType<typeof runCli> => runCli(['report', '--out', out, ...words]);

    const plan = await report('app', '--index', index, '--before', old, '--json', '--no-cache');
    expect(plan.exit).toBe(0);
    expect(JSON.parse(plan.stdout)).toMatchObject({ schema: 1, report: out, packages: 5 });
    expect(data().difference?.changed).toHaveLength(5);
    expect(data().packages.find(([name]) => name === 'app')).toEqual([
      'app',
      '2-1',
      'curr',
      5_000_000,
      0,
      expect.any(Number),
      HOSTILE.replaceAll('"', "'"),
      [expect.any(Number), expect.any(Number)],
    ]);

    expect((await report('--lock', lock, '--before', oldLock)).stdout).toMatch(/^wrote `.*`: 5 packages, /);
    expect(data().difference?.changed).toHaveLength(5);
    expect(data().note).toContain('--index');
    expect((await report('--lock', lock, '--index', index, '--no-cache')).exit).toBe(0);
    expect(data()).toMatchObject({ note: null, difference: null });
    const reasons = data().packages.map(([name, , , , reason]) => [name, data().reasons[reason as number]]);
    expect(reasons).toEqual([
      ['app', 'requested'],
      ['base-files', 'base'],
      ['libcore', 'dependency'],
      ['libone', 'dependency'],
      ['libtwo', 'dependency'],
    ]);
  });

  test.each([
    [['--lock', 'a', '--repo', 'b']],
    [['--lock', 'a', 'git']],
    [['--repo', 'a', '--category', 'Base']],
    [['--repo', 'a', '--index', 'b']],
  ])('exit code 2: %j', async (words) => {
    expect((await runCli(['report', ...words])).exit).toBe(2);
  });

  test('--repo: all packages of a filled repo, and what changed since an earlier index', async () => {
    const root = await directory();
    const [repo, out, before] = ['<!--<script>', 'out.html', 'before.ini'].map((name) => join(root, name)) as [
      string,
      string,
      string,
    ];
    const keyring = `${RELEASE}/key.gpg`;
    const fetched = await runCli(
      ['fetch', 'openssh', 'gcc-core', '--site', RELEASE, '--keyring', keyring, '--repo', repo, '--quiet'].concat([
        '--lock',
        join(root, 'lock.json'),
        '--no-cache',
      ]),
    );
    expect(fetched.exit, fetched.stderr).toBe(0);
    await writeFile(before, indexOf(0).replaceAll('base-files', 'bash'));
    const { exit, stdout, stderr } = await runCli([
      'report',
      '--repo',
      repo,
      '--out',
      out,
      '--keyring',
      keyring,
      '--before',
      before,
      '--no-cache',
    ]);
    expect([exit, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^wrote `.*`: 6 packages, /);
    const data = dataIn(out);
    expect(data.title).toBe(`Repo ${repo}`);
    // The name of the repo starts no element.
    expect(readFileSync(out, 'utf8').match(/<script/g)).toHaveLength(2);
    const names = data.packages.map(([name]) => name);
    expect(names).toContain('openssh');
    expect(data.packages.find(([name]) => name === 'openssh')?.[7]).not.toEqual([]);
    expect(data.difference?.changed).toMatchObject([{ name: 'bash', from: '1-1' }]);
    expect(data.difference?.added).toHaveLength(names.length - 1);
  });

  test('a repo without an index: exit code 3, a request without a plan: 1', async () => {
    const root = await directory();
    expect((await runCli(['report', '--repo', root])).exit).toBe(3);
    await writeFile(join(root, 'setup.ini'), indexOf(0));
    expect((await runCli(['report', 'none', '--index', join(root, 'setup.ini'), '--no-cache'])).exit).toBe(1);
  });

  test('--open starts the program of the desktop with the page', async () => {
    const root = await directory();
    const [program, seen] = [join(root, 'xdg-open'), join(root, 'seen')];
    await writeFile(program, `#!/bin/sh\nprintf %s "$1" >'${seen}.part'\nmv '${seen}.part' '${seen}'\n`, {
      mode: 0o755,
    });
    await openFile('/page.html', { PATH: `${root}:${process.env['PATH']}` }, 'linux');
    await expect.poll(() => readFile(seen, 'utf8').catch(() => ''), { timeout: 10_000 }).toBe('/page.html');
  });

  test('--open without a desktop is reported', async () => {
    await expect(openFile('/x.html', { PATH: '/nonexistent' }, 'linux')).rejects.toMatchObject({ code: 'tool' });
  });
});
