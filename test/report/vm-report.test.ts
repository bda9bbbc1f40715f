import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { makeVmReport } from '../../src/api/vm-report.ts';
import { durationText } from '../../src/report/text.ts';
import { timesPath, vmPlaces } from '../../src/stages/layout.ts';
import type { Times } from '../../src/stages/times.ts';
import { describeWith } from '../support/qemu.ts';
import { runCli } from '../support/run-cli.ts';
import { HOSTILE, directory, opened, screenshot } from './support.ts';

const START = Date.UTC(2026, 0, 2, 3, 4);
const [INSTALL, COLD, WARM] = ['a', 'b', 'c'].map((digit) => digit.repeat(64)) as [string, string, string];

function record(vmDir: string, number: number, times: Pick<Times, 'activity' | 'key'> & Partial<Times>): void {
  const { phases = [], activity, key } = times;
  const whole = {
    schema: 1,
    guest: 'stand-in',
    startedMs: START + number * 60_000,
    durationMs: phases.reduce((sum, { durationMs }) => sum + durationMs, 0),
    end: 'done',
    code: null,
    isCold: false,
    firstOutputMs: null,
    phases,
    ...times,
  };
  const folder = timesPath(vmPlaces(vmDir), activity, key);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${`${whole.startedMs}`.padStart(15, '0')}-${number}.json`), JSON.stringify(whole));
}

/** Records two stages and `runs` runs, with a name that tries to start elements. */
async function recorded(runs: number): Promise<string> {
  const vmDir = join(await directory(), 'vm');
  const phases = (of: Readonly<Record<string, number>>): Times['phases'] =>
    Object.entries(of).map(([name, durationMs]) => ({ name, durationMs }));
  record(vmDir, 0, {
    activity: 'install',
    key: INSTALL,
    guest: HOSTILE,
    phases: phases({ 'write the media': 4000, windowspe: 600_000, [HOSTILE]: 1000 }),
  });
  record(vmDir, 1, { activity: 'snapshot', key: WARM, end: 'failed', phases: phases({ boot: 12_000 }) });
  for (let i = 0; i < runs; i++) {
    const isBad = i === 3;
    record(vmDir, i + 2, {
      activity: 'run',
      key: i === 4 ? COLD : WARM,
      end: isBad ? 'interrupted' : 'done',
      code: isBad ? null : i === 2 ? 7 : 0,
      isCold: i === 4,
      firstOutputMs: isBad ? null : 1200,
      phases: phases({ resume: 1000 + i, command: 5000, ...(!isBad && { 'power-off': 80 }) }),
    });
  }
  return vmDir;
}

describe('durations', () => {
  test.each([
    [0, '0 ms'],
    [999, '999 ms'],
    [1000, '1.0 s'],
    [59_949, '59.9 s'],
    [59_950, '1 min 00 s'],
    [3_599_400, '59 min 59 s'],
    [3_600_000, '1 h 00 min'],
    [7_380_000, '2 h 03 min'],
  ])('%i: %s', (ms, text) => {
    expect(durationText(ms)).toBe(text);
  });
});

describe('vm report', () => {
  test('writes a page without markup from names, and prints the numbers as JSON', async () => {
    const vmDir = await recorded(5);
    const out = join(vmDir, 'out.html');
    const { exit, stdout, stderr } = await runCli(['vm', 'report', '--vm-dir', vmDir, '--out', out, '--json']);
    expect([exit, stderr]).toEqual([0, '']);
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({ schema: 1, report: out });
    expect(result.times).toHaveLength(7);
    expect(result.times[0]).toMatchObject({
      activity: 'install',
      key: INSTALL,
      guest: HOSTILE,
      durationMs: 605_000,
      end: 'done',
      phases: [{ name: 'write the media' }, { name: 'windowspe', durationMs: 600_000 }, { name: HOSTILE }],
    });
    expect(result.times[5]).toMatchObject({ activity: 'run', end: 'interrupted', code: null, firstOutputMs: null });
    const html = readFileSync(out, 'utf8');
    expect(html).not.toContain('<img');
    expect(html.match(/<\/script>/g)).toHaveLength(2);
    expect(html).toContain("default-src 'none'");
    const text = await runCli(['vm', 'report', '--vm-dir', vmDir, '--out', out]);
    expect(text.stdout).toMatch(/^wrote `.*out\.html`: 1 stage \(2 attempts\), 5 runs, \d+\.\d KiB\n$/);
  });

  test('a guest kind that does not exist is refused', async () => {
    const { exit, stderr } = await runCli(['vm', 'report', '--guest', 'stand-out', '--vm-dir', await directory()]);
    expect(exit).toBe(2);
    expect(stderr).toContain('unknown guest kind `stand-out`');
  });

  test('without any stage', async () => {
    const vmDir = join(await directory(), 'none');
    const { exit, stdout } = await runCli(['vm', 'report', '--vm-dir', vmDir, '--out', `${vmDir}.html`]);
    expect(exit).toBe(0);
    expect(stdout).toMatch(/: 0 stages \(0 attempts\), 0 runs, /);
  });
});

describeWith(['chromium'], 'the page in Chromium', () => {
  test.each([
    [1280, 'light'],
    [400, 'dark'],
  ] as const)('%i pixels, %s: charts and tables of 500 runs', async (width, colorScheme) => {
    const { text } = await makeVmReport({ directory: await recorded(500) });
    const { page, faults } = await opened(text, width, { colorScheme });
    await page.locator('#runs-charts svg').nth(3).waitFor();
    const columns = page.locator('#runs-charts svg').first().locator('rect');
    expect(await columns.count()).toBeGreaterThan(40);
    expect(await page.locator('#runs-table tbody tr').first().innerText()).toContain('2026-01-02 11:25:00 UTC');
    await page.getByRole('button', { name: 'Started' }).first().click();
    const first = page.locator('#runs-table tbody tr').first();
    expect((await first.locator('td').allInnerTexts()).slice(1)).toEqual([
      'cccccccccccc',
      'stand-in',
      'exit code 0',
      '6.1 s',
      '1.0 s',
      '1.2 s',
      '5.0 s',
      '80 ms',
    ]);
    await page.locator('#snapshot').selectOption(COLD);
    expect(await page.locator('#runs-count').innerText()).toBe('1 run');
    expect(await first.locator('td.end').innerText()).toBe('exit code 0, disk booted');
    await expect.poll(() => page.locator('#runs-charts rect.cold').count()).toBe(4);
    expect(await page.locator('#stages-charts svg.chart').count()).toBe(2);
    expect(await page.locator('#stages-charts').innerText()).toContain(HOSTILE);
    expect(await page.locator('#stages-table tbody tr').allInnerTexts()).toHaveLength(6);
    expect(await page.locator('#stages-table').innerText()).toContain(HOSTILE);
    expect(await page.locator('#facts').innerText()).toMatch(/Stages\s+1\s+Attempts to make a stage\s+2\s/);
    expect(await page.locator('#facts').innerText()).toMatch(/Runs\s+500\s+Median of resume\s+1\.2 s/);
    const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
    expect(overflow).toBeLessThanOrEqual(0);
    await screenshot(page, `vm-report-${width}`, { fullPage: true });
    expect(await page.evaluate('window.broken')).toBeUndefined();
    expect(faults).toEqual([]);
  });

  test('prints all rows in light colors; without times it says what to do', async () => {
    const { text } = await makeVmReport({ directory: await recorded(450) });
    const { page } = await opened(text, 794, { colorScheme: 'dark' });
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    await page.evaluate("dispatchEvent(new Event('beforeprint'))");
    expect(await page.locator('#runs-table tbody tr').count()).toBe(450);
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(255, 255, 255)');
    const color = "getComputedStyle(document.querySelector('rect.ok')).fill";
    expect(await page.evaluate(color)).toBe('rgb(47, 111, 189)');
    const empty = await makeVmReport({ directory: join(await directory(), 'none') });
    const { page: other, faults } = await opened(empty.text, 400);
    expect(await other.locator('#nothing').isVisible()).toBe(true);
    expect(faults).toEqual([]);
  });
});
