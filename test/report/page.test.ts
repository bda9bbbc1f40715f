import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { makeReport } from '../../src/api/report.ts';
import { loadCatalog } from '../../src/api/load-catalog.ts';
import { makeLock } from '../../src/api/lock.ts';
import type { ReportSubject } from '../../src/api/report.ts';
import { openFile } from '../../src/io/open-file.ts';
import { printLock } from '../../src/core/lock/print.ts';
import { describeWith, pathOf } from '../support/qemu.ts';
import { runCli } from '../support/run-cli.ts';

const HOSTILE = '</script><img src=x onerror="window.broken=1"><!--<script>';

/** An index with `count` further packages, each of which requires the one before it. */
function indexOf(count: number, { version = '1-1' } = {}): string {
  const block = (name: string, category: string, requires: string, size: number, sdesc = `About ${name}`): string =>
    `\n@ ${name}\nsdesc: "${sdesc.replaceAll('"', "'")}"\ncategory: ${category}\nversion: ${version}\n` +
    `install: x86_64/release/${name}/${name}-${version}.tar.xz ${size} ${'a'.repeat(128)}\n` +
    (requires === '' ? '' : `depends2: ${requires}\n`);
  return (
    'release: cygwin\narch: x86_64\nsetup-timestamp: 1735689600\n' +
    block('base-files', 'Base', '', 1000) +
    block('app', 'Devel', 'libone, libtwo', 5_000_000, HOSTILE) +
    block('libone', 'Libs', 'libcore', 3_000_000) +
    block('libtwo', 'Libs', 'libcore', 2_000_000) +
    block('libcore', 'Libs', '', 1_000_000) +
    Array.from({ length: count }, (_, i) =>
      block(`pkg${i}`, `Category${i % 20}`, i % 10 === 0 ? '' : `pkg${i - 1}`, 1000 + ((i * 7919) % 1_000_000)),
    ).join('')
  );
}

function loaded(text: string): ReturnType<typeof loadCatalog> {
  return loadCatalog({ name: 'setup.ini', bytes: Buffer.from(text) });
}

async function htmlOf(subject: ReportSubject): Promise<string> {
  const result = await makeReport(subject);
  if (result.kind !== 'report') throw new Error('no plan');
  return result.text;
}

/** Makes a directory that is removed after the test. */
async function directory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'report-'));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

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
      const made = await makeLock({ loaded: await loadCatalog(from) }, { packages: ['app'] });
      if (made.kind !== 'lock') throw new Error('no plan');
      await writeFile(to, printLock(made.lock));
    }
    const data = (): { packages: unknown[][]; reasons: string[]; difference: { changed: unknown[] }; note: unknown } =>
      JSON.parse(
        /<script id="data" type="application\/json">(.*?)<\/script>/.exec(readFileSync(out, 'utf8'))?.[1] ?? '',
      );
    const report = (...words: string[]): ReturnType<typeof runCli> => runCli(['report', '--out', out, ...words]);

    const plan = await report('app', '--index', index, '--before', old, '--json', '--no-cache');
    expect(plan.exit).toBe(0);
    expect(JSON.parse(plan.stdout)).toMatchObject({ schema: 1, report: out, packages: 5 });
    expect(data().difference.changed).toHaveLength(5);
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
    expect(data().difference.changed).toHaveLength(5);
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

  test('a repo without an index: exit code 3, a request without a plan: 1', async () => {
    const root = await directory();
    expect((await runCli(['report', '--repo', root])).exit).toBe(3);
    await writeFile(join(root, 'setup.ini'), indexOf(0));
    expect((await runCli(['report', 'none', '--index', join(root, 'setup.ini'), '--no-cache'])).exit).toBe(1);
  });

  test('--open without a desktop is reported', async () => {
    await expect(openFile('/x.html', { PATH: '/nonexistent' }, 'linux')).rejects.toMatchObject({ code: 'tool' });
  });
});

describeWith(['chromium'], 'the page in Chromium', () => {
  let html = '';
  beforeAll(async () => {
    const catalog = await loaded(indexOf(11_000, { version: '2-1' }));
    const before = await loaded(indexOf(10_990));
    html = await htmlOf({ kind: 'plan', loaded: catalog, before, request: { categories: ['All'] } });
  });

  const opened = async (content: string, width: number): Promise<{ page: Page; faults: string[] }> => {
    const file = join(await directory(), 'report.html');
    await writeFile(file, content);
    const browser = await chromium.launch({ executablePath: pathOf('chromium') ?? '' });
    onTestFinished(() => browser.close());
    const page = await browser.newPage({ viewport: { width, height: 900 } });
    const faults: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text());
    });
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('request', (request) => {
      if (!/^(file|data):/.test(request.url())) faults.push(request.url());
    });
    await page.goto(pathToFileURL(file).href);
    return { page, faults };
  };

  const screenshot = async (page: Page, name: string): Promise<void> => {
    const folder = process.env['CYGSTRAP_SCREENSHOTS'];
    if (folder !== undefined) await page.screenshot({ path: `${folder}/${name}.png` });
  };

  test.each([1280, 400])('%i pixels: treemap, table and details of 11,000 packages', async (width) => {
    const { page, faults } = await opened(html, width);
    expect(await page.locator('#count').textContent()).toMatch(/^11005 packages/);
    expect(await page.locator('#changes-total').textContent()).toMatch(/^10 added, 0 removed, 10995 changed/);
    expect(await page.locator('#rows tr').count()).toBeLessThan(1000);
    const colors = await page.evaluate<number>(`(() => {
      const canvas = document.getElementById('map');
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      const seen = new Set();
      for (let i = 0; i < data.length; i += 4) seen.add(data[i] + ',' + data[i + 1] + ',' + data[i + 2]);
      return seen.size;
    })()`);
    expect(colors).toBeGreaterThan(20);
    await page.locator('#search').fill('pkg1099');
    expect(await page.locator('#count').textContent()).toMatch(/^11 packages/);
    await page.locator('th.name button').click();
    expect(await page.locator('#rows tr a').first().textContent()).toBe('pkg1099');
    await page.locator('#search').fill('');
    await page.locator('#category').selectOption('Libs');
    expect(await page.locator('#rows tr').count()).toBe(3);
    const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
    expect(overflow).toBeLessThanOrEqual(0);
    await screenshot(page, `report-${width}`);
    // The largest package of the largest category is in its upper left corner.
    await page.locator('#map').click({ position: { x: 20, y: 40 } });
    await page.locator('#package').waitFor({ state: 'visible' });
    await page.locator('#close').click();
    await page.locator('#package').waitFor({ state: 'hidden' });
    expect(faults).toEqual([]);
  });

  test.each([1280, 400])('%i pixels: reasons, what a package brings and what goes without it', async (width) => {
    const catalog = await loaded(indexOf(0));
    const { page, faults } = await opened(
      await htmlOf({ kind: 'plan', loaded: catalog, request: { packages: ['app'] } }),
      width,
    );
    await page.getByRole('link', { name: 'libcore' }).click();
    const body = page.locator('#package-body');
    expect(await page.locator('#package-title').textContent()).toBe('libcore 1-1');
    expect(await body.locator('li').first().innerText()).toMatch(
      /^required by libone\s+required by app \(requested\)$/,
    );
    await screenshot(page, `report-details-${width}`);
    await body.getByRole('link', { name: 'app' }).first().click();
    await expect.poll(() => page.locator('#package-title').textContent()).toBe('app 1-1');
    const shown = await body.innerText();
    expect(shown).toContain('It was requested.');
    expect(shown).toContain('Brings, directly or not: 3 packages, 5.7 MiB');
    expect(shown).toContain('Would go without it: 3 packages, 5.7 MiB');
    expect(shown).toContain("<img src=x onerror='window.broken=1'>");
    expect(await page.evaluate('window.broken')).toBeUndefined();
    await page.goBack();
    await expect.poll(() => page.locator('#package-title').textContent()).toBe('libcore 1-1');
    expect(faults).toEqual([]);
  });

  test('prints all rows in light colors', async () => {
    const { page } = await opened(html, 1280);
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    await page.evaluate("dispatchEvent(new Event('beforeprint'))");
    expect(await page.locator('#rows tr').count()).toBe(11_005);
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(255, 255, 255)');
  });
});
