// Time until Chromium has painted the page of `cygstrap report`, and its longest task:
// `npm run build && node test/bench/report.mjs INDEX [RUNS]`. The plan is that of all packages of the index.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { loadCatalog, makeReport } from '../../dist/index.js';

const [index, runs = '5'] = process.argv.slice(2);
if (index === undefined) throw new Error('usage: node test/bench/report.mjs INDEX [RUNS]');

const loaded = await loadCatalog(index);
const started = performance.now();
const report = await makeReport({ kind: 'plan', loaded, request: { categories: ['All'] } });
if (report.kind !== 'report') throw new Error('the index has no plan of all packages');
const madeMs = performance.now() - started;
process.stdout.write(
  `${report.packages} packages, ${report.text.length} characters, made in ${madeMs.toFixed(0)} ms\n`,
);

const directory = mkdtempSync(join(tmpdir(), 'report-'));
const file = join(directory, 'report.html');
writeFileSync(file, report.text);
const browser = await chromium.launch({ executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium' });
try {
  for (let run = 0; run < Number(runs); run++) {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    await page.goto(pathToFileURL(file).href);
    const [firstMs, longestMs] = await page.evaluate(`new Promise((resolve) => {
      let longest = 0;
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) longest = Math.max(longest, duration);
      }).observe({ type: 'longtask', buffered: true });
      setTimeout(() => {
        const [first] = performance.getEntriesByName('first-contentful-paint');
        resolve([first.startTime, longest]);
      }, 1000);
    })`);
    process.stdout.write(`first paint ${firstMs.toFixed(0)} ms, longest task ${longestMs.toFixed(0)} ms\n`);
    await page.close();
  }
} finally {
  await browser.close();
  rmSync(directory, { recursive: true });
}
