import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { makeLock } from '../../src/api/lock.ts';
import { printLock } from '../../src/core/lock/print.ts';
import { describeWith } from '../support/qemu.ts';
import { PROJECT } from '../support/transcript.ts';
import { directory, htmlOf, indexOf, loaded, opened, screenshot } from './support.ts';

describeWith(['chromium'], 'the page in Chromium', () => {
  let html = '';
  beforeAll(async () => {
    const catalog = await loaded(indexOf(11_000, { version: '2-1' }));
    const before = await loaded(indexOf(10_990));
    html = await htmlOf({ kind: 'plan', loaded: catalog, before, request: { categories: ['All'] } });
  });

  test.each([1280, 400])('%i pixels: treemap, table and details of 11,000 packages', async (width) => {
    const { page, faults } = await opened(html, width);
    expect(await page.locator('#count').textContent()).toMatch(/^11005 packages/);
    expect(await page.locator('#changes-total').textContent()).toMatch(/^10 added, 0 removed, 10995 changed/);
    expect(await page.locator('#packages tbody tr').count()).toBeLessThan(1000);
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
    expect(await page.locator('#packages tbody tr a').first().textContent()).toBe('pkg1099');
    await page.locator('#search').fill('');
    await page.locator('#category').selectOption('Libs');
    expect(await page.locator('#packages tbody tr').count()).toBe(3);
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
    expect(await body.locator('.node').allTextContents()).toEqual(['libcore', 'libone', 'libtwo', 'app (requested)']);
    expect((await body.locator('.edge title').allTextContents()).sort()).toEqual([
      'app requires libone',
      'app requires libtwo',
      'libone requires libcore',
      'libtwo requires libcore',
    ]);
    const columns = await body.locator('.node rect').evaluateAll((boxes) => boxes.map((box) => box.getAttribute('x')));
    expect(columns.map(Number)).toEqual([columns[0], columns[1], columns[1], columns[3]].map(Number));
    expect([Number(columns[0]) > Number(columns[1]), Number(columns[1]) > Number(columns[3])]).toEqual([true, true]);
    expect(await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
    await screenshot(page, `report-details-${width}`);
    await body.locator('.node', { hasText: 'app' }).click();
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

  test('a repo shows requirements without reasons, and a lock alone says how to show them', async () => {
    const body = '#package-body';
    const repo = await opened(await htmlOf({ kind: 'repo', repo: join(PROJECT, 'fixtures/release') }), 1280);
    await repo.page.getByRole('link', { name: 'libssl3' }).click();
    expect(await repo.page.locator(`${body} .node`).allTextContents()).toEqual(['libssl3', 'openssh']);
    const made = await makeLock(await loaded(indexOf(0)), { packages: ['app'] });
    if (made.kind !== 'lock') throw new Error('no plan');
    const path = join(await directory(), 'lock.json');
    await writeFile(path, printLock(made.lock));
    const lock = await opened(await htmlOf({ kind: 'lock', lock: path }), 1280);
    await lock.page.getByRole('link', { name: 'libcore' }).click();
    expect(await lock.page.locator(body).innerText()).toMatch(
      /^976\.6 KiB, without category\s+A lock has no requirements\. Make the report with --index or --site to show them\.$/,
    );
    expect([...repo.faults, ...lock.faults]).toEqual([]);
  });

  test('the graph of a package that many require shows some of them, and scrolls in its box', async () => {
    const users = Array.from(
      { length: 70 },
      (_, i) =>
        `\n@ a-package-with-a-long-name-${i}\nsdesc: "user"\ncategory: Users\nversion: 1-1\n` +
        `install: x86_64/release/u${i}.tar.xz 1 ${'a'.repeat(128)}\ndepends2: libcore\n`,
    );
    const catalog = await loaded(indexOf(0) + users.join(''));
    const text = await htmlOf({ kind: 'plan', loaded: catalog, request: { categories: ['Users'] } });
    const { page, faults } = await opened(text, 400);
    await page.locator('#search').fill('libcore');
    await page.locator('#packages').getByRole('link', { name: 'libcore' }).click();
    const body = page.locator('#package-body');
    expect(await body.locator('.node').count()).toBe(60);
    expect(await body.locator('.edge').count()).toBe(59);
    expect(await body.locator('.note').innerText()).toBe('More packages are left out.');
    const overflows = (selector: string): Promise<boolean> =>
      page.locator(selector).evaluate(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth);
    expect([await overflows('#package'), await overflows('#package-body .box')]).toEqual([false, true]);
    await screenshot(page, 'report-graph');
    expect(faults).toEqual([]);
  });

  test('lists of 11,000 changes and warnings show some, and all on request', async () => {
    const root = await directory();
    const lockOf = async (version: string): Promise<string> => {
      const made = await makeLock(await loaded(indexOf(10_995, { version })), { categories: ['All'] });
      if (made.kind !== 'lock') throw new Error('no plan');
      const { packages, ...rest } = made.lock;
      const path = join(root, `${version}.json`);
      await writeFile(path, printLock({ ...rest, packages: packages.map(({ sha512: _digest, ...each }) => each) }));
      return path;
    };
    const text = await htmlOf({ kind: 'lock', lock: await lockOf('2-1'), before: await lockOf('1-1') });
    const { page, faults } = await opened(text, 400);
    await page.locator('#changes summary').click();
    for (const [list, count] of [
      ['#changes', 11_000],
      ['#warnings', 11_000],
    ] as const) {
      const section = page.locator(list);
      expect(await section.locator('li').count()).toBe(50);
      expect(await section.locator('.note').innerText()).toBe(`The first 50 of ${count}. Show all`);
      await section.getByRole('button', { name: 'Show all' }).click();
      expect(await section.locator('li').count()).toBeLessThan(1000);
      expect(await section.locator('.note').innerText()).toMatch(/^\d+ more$/);
      await section.locator('.note').scrollIntoViewIfNeeded();
      await expect.poll(() => section.locator('li').count()).toBeGreaterThan(200);
    }
    await page.evaluate("dispatchEvent(new Event('beforeprint'))");
    expect(await page.locator('#warnings li').count()).toBe(11_000);
    expect(await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
    await screenshot(page, 'report-lists');
    expect(faults).toEqual([]);
  });

  test('prints all rows in light colors', async () => {
    const { page } = await opened(html, 1280);
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    await page.evaluate("dispatchEvent(new Event('beforeprint'))");
    expect(await page.locator('#packages tbody tr').count()).toBe(11_005);
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(255, 255, 255)');
  });
});
