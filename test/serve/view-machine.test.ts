import { chromium } from 'playwright-core';
import type { Page } from 'playwright-core';
import { expect, onTestFinished, test } from 'vitest';
import type { WebSocket } from 'ws';
import { startMachine } from '../../src/vm/start.ts';
import { tailConsole } from '../../src/vm/console-tail.ts';
import type { Machine } from '../../src/vm/machine.ts';
import { QEMU, describeWith, emulatingHost, pathOf } from '../support/qemu.ts';
import { diskOf, echoingGuest } from '../vm/guests.ts';
import { temporaryDirectory, tinyMachine } from '../vm/support.ts';
import { HANDSHAKE, KEY, open, originOf, socketTo, viewing } from './view-support.ts';

/** Starts a guest that prints `hello`, then each key that it receives. */
async function echoing(): Promise<Machine> {
  const directory = temporaryDirectory();
  const disk = diskOf(directory, echoingGuest('hello\n'));
  const machine = await startMachine(tinyMachine(disk, { graphics: { kind: 'vga' } }), await emulatingHost(), {
    directory,
  });
  onTestFinished(() => machine[Symbol.asyncDispose]());
  for await (const line of machine.console()) if (line.endsWith('hello')) break;
  return machine;
}

function view(machine: Machine, isControlled: boolean): ReturnType<typeof viewing> {
  const { vnc, consoleLog } = machine.files;
  return viewing({
    vnc,
    isControlled,
    console: (signal) => tailConsole(consoleLog, signal),
    state: async () => ({
      machine: {
        name: '3f9a0c5d7e21',
        activity: 'install',
        guest: 'windows-11',
        key: '9d1c0b7e55aa'.repeat(5),
        startedMs: Date.UTC(2026, 0, 2, 3, 4, 5),
        hasScreen: true,
        isControlled,
      },
      stages: ['install', 'snapshot'].map((stage) => ({
        stage,
        key: '77aa12cd90ef'.repeat(5),
        usedBytes: 3_456_789_012,
        madeMs: Date.UTC(2026, 0, 1, 2, 3, 4),
        isInUse: stage === 'install',
        madeOf: 'lock 5e0f7a9b3c1d: gcc-core openssh make <b>',
      })),
    }),
  });
}

describeWith([QEMU], 'the screen of a machine in QEMU', () => {
  test('keys arrive with control only', async () => {
    const machine = await echoing();
    const key = (code: string): Buffer =>
      Buffer.concat(
        [1, 0].map((down) => Buffer.from([...KEY.subarray(0, 1), down, 0, 0, 0, 0, 0, code.charCodeAt(0)])),
      );
    const connected = async (isControlled: boolean): Promise<WebSocket> => {
      const { url } = await view(machine, isControlled);
      const { page, cookie } = await open(url);
      const socket = await socketTo(`${page}screen`, { cookie, origin: originOf(url) });
      if (typeof socket === 'number') throw new Error(`refused: ${socket}`);
      // The greeting, the security types, their result, and the size and name of the screen.
      const name = new Promise<void>((resolve) =>
        socket.on('message', (data: Buffer) => {
          if (data.includes('QEMU')) resolve();
        }),
      );
      socket.resume();
      socket.send(HANDSHAKE);
      await name;
      return socket;
    };
    const [watching, controlling] = [await connected(false), await connected(true)];
    const console = tailConsole(machine.files.consoleLog, AbortSignal.timeout(30_000));
    watching.send(key('a'));
    await new Promise<void>((resolve) => watching.ping('', true, () => resolve()));
    controlling.send(key('b'));
    for await (const { open: rest } of console) if (rest !== '') break;
    controlling.send(key('c'));
    let typed = '';
    for await (const { open: rest } of tailConsole(machine.files.consoleLog, AbortSignal.timeout(30_000))) {
      typed = rest;
      if (rest.endsWith('c')) break;
    }
    expect(typed).toBe('bc');
  });
});

describeWith([QEMU, 'chromium'], 'the page in Chromium', () => {
  const opened = async (url: string): Promise<{ page: Page; faults: string[] }> => {
    const browser = await chromium.launch({ executablePath: pathOf('chromium') ?? '' });
    onTestFinished(() => browser.close());
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    const faults: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text());
    });
    page.on('pageerror', (error) => faults.push(error.message));
    await page.goto(url);
    await page.locator('#status', { hasText: /^Live$/ }).waitFor();
    return { page, faults };
  };

  /** Counts the pixels of the screen that are not black. */
  const litPixels = async (page: Page): Promise<number> =>
    page.evaluate<number>(`(() => {
      const canvas = document.querySelector('#screen canvas');
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      let lit = 0;
      for (let i = 0; i < data.length; i += 4) if (data[i] + data[i + 1] + data[i + 2] > 0) lit++;
      return lit;
    })()`);

  const screenshot = async (page: Page, name: string): Promise<void> => {
    const directory = process.env['CYGSTRAP_SCREENSHOTS'];
    if (directory !== undefined) await page.screenshot({ path: `${directory}/${name}.png`, fullPage: true });
  };

  test('shows the picture of the guest, the console and the stages; the layout fits', async () => {
    const machine = await echoing();
    const { page, faults } = await opened((await view(machine, false)).url);
    await expect.poll(() => litPixels(page)).toBeGreaterThan(100);
    expect(await page.locator('#console').textContent()).toContain('hello\n');
    expect(await page.locator('#stages tr').count()).toBe(2);
    expect(await page.locator('#stages').textContent()).toContain('make <b>');
    expect(await page.locator('#keys').isVisible()).toBe(false);
    expect(new URL(page.url()).search).toBe('');
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      for (const width of [1280, 400]) {
        await page.setViewportSize({ width, height: 900 });
        const widest = await page.evaluate<number>('document.documentElement.scrollWidth');
        expect(widest).toBeLessThanOrEqual(width);
        await screenshot(page, `view-${width}-${colorScheme}`);
      }
    }
    await page.reload();
    await page.locator('#status', { hasText: /^Live$/ }).waitFor();
    expect(faults).toEqual([]);
  });

  test('with control a key arrives in the guest, and appears on the screen', async () => {
    const machine = await echoing();
    const server = await view(machine, true);
    const { page, faults } = await opened(server.url);
    await expect.poll(() => litPixels(page)).toBeGreaterThan(100);
    const before = await litPixels(page);
    await page.locator('#screen canvas').click();
    await page.keyboard.press('x', { delay: 50 });
    await expect.poll(() => page.locator('#console').textContent()).toMatch(/hello\nx$/);
    await expect.poll(() => litPixels(page)).not.toBe(before);
    expect(await page.locator('#keys').isVisible()).toBe(true);
    await screenshot(page, 'view-control');
    await server.close('ended');
    await page.locator('#status', { hasText: 'The machine has ended' }).waitFor();
    expect(faults).toEqual([]);
  });
});
