import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import type { Page, PageScreenshotOptions } from 'playwright-core';
import { onTestFinished } from 'vitest';
import { loadCatalog } from '../../src/api/load-catalog.ts';
import { makeReport } from '../../src/api/report.ts';
import type { ReportSubject } from '../../src/api/report.ts';
import { pathOf } from '../support/qemu.ts';

/** Ends a script element, and starts others. */
export const HOSTILE = '</script><img src=x onerror="window.broken=1"><!--<script>';

/** An index with `count` further packages, each of which requires the one before it. */
export function indexOf(count: number, { version = '1-1' } = {}): string {
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

export function loaded(text: string): ReturnType<typeof loadCatalog> {
  return loadCatalog({ name: 'setup.ini', bytes: Buffer.from(text) });
}

export async function htmlOf(subject: ReportSubject): Promise<string> {
  const result = await makeReport(subject);
  if (result.kind !== 'report') throw new Error('no plan');
  return result.text;
}

/** Makes a directory that is removed after the test. */
export async function directory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'report-'));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

/** Opens a page from disk in Chromium. `faults` gets its errors, and every request to another place than the disk. */
export async function opened(
  content: string,
  width: number,
  options: { readonly colorScheme?: 'dark' | 'light' } = {},
): Promise<{ page: Page; faults: string[] }> {
  const file = join(await directory(), 'report.html');
  await writeFile(file, content);
  const browser = await chromium.launch({ executablePath: pathOf('chromium') ?? '' });
  onTestFinished(() => browser.close());
  const page = await browser.newPage({ viewport: { width, height: 900 }, ...options });
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
}

/** Writes a picture of a page to the directory `CYGSTRAP_SCREENSHOTS`, if that is set. */
export async function screenshot(page: Page, name: string, options: PageScreenshotOptions = {}): Promise<void> {
  const folder = process.env['CYGSTRAP_SCREENSHOTS'];
  if (folder !== undefined) await page.screenshot({ path: `${folder}/${name}.png`, ...options });
}
