import { mkdir, mkdtemp, readFile, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { release, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { collectStages, listStages, removeStages } from '../../src/api/vm-stages.ts';
import type { Event } from '../../src/events.ts';
import { temporaryPathOf } from '../../src/io/atomic-file.ts';
import type { Qemu } from '../../src/vm/base/host.ts';
import { probeHost } from '../../src/vm/probe/probe.ts';
import { cachedHost } from '../../src/stages/context.ts';
import { hostCpu, parseHostRecord } from '../../src/stages/host-record.ts';
import { readIdentities, writeIdentities } from '../../src/stages/integrity-cache.ts';
import { identitiesPath, stagePath, vmPlaces } from '../../src/stages/layout.ts';
import type { VmPlaces } from '../../src/stages/layout.ts';
import { reuseOrMake } from '../../src/stages/reuse-or-make.ts';
import { findStage, openWork } from '../../src/stages/stage-store.ts';
import { runCommand } from '../support/transcript.ts';
import { INSTALLED, SNAPSHOT, STAMP } from './records.ts';

const HOUR_MS = 60 * 60_000;

function without(value: object, field: string): string {
  return JSON.stringify({ ...value, [field]: undefined });
}

const DAMAGED: readonly (readonly [name: string, text: string, line: number, why: string])[] = [
  ['empty', '', 1, 'expected a value, the file ends'],
  ['one brace', '{', 1, 'expected a key in quotes, the file ends'],
  ['truncated', JSON.stringify(INSTALLED, undefined, 2).slice(0, -60), 29, 'a string without its closing quote'],
  ['null', 'null', 1, 'must be an object, not null'],
  ['missing key', '{"schema":5,"stage":"install"}', 1, 'has no field `key`'],
  ['missing disk', without(INSTALLED, 'disk'), 1, 'has no field `disk`'],
  ['missing origin', without(INSTALLED, 'made'), 1, 'has no field `made`'],
  ['key of another stage', JSON.stringify({ ...INSTALLED, key: 'other' }), 1, '`key` must be "abc", not "other"'],
  ['wrong stage', JSON.stringify({ ...INSTALLED, stage: 'snapshot' }), 1, '`stage` must be "install", not "snapshot"'],
  ['old schema', JSON.stringify({ ...INSTALLED, schema: 1 }), 1, '`schema` is 1'],
  [
    'malformed digest',
    JSON.stringify({ ...INSTALLED, disk: { ...STAMP, sha256: 'x' } }),
    1,
    '`disk.sha256` must be a sha256',
  ],
];

let root: string;
let places: VmPlaces;
let directory: { directory: string; env: Record<string, string> };
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'cyg-'));
  places = vmPlaces(join(root, 'vm'));
  directory = { directory: join(root, 'vm'), env: { XDG_CACHE_HOME: join(root, 'cache') } };
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function writeStage(stage: 'install' | 'snapshot', key: string, text: string): Promise<void> {
  const path = stagePath(places, stage, key);
  await mkdir(path, { recursive: true });
  await writeFile(join(path, 'stage.json'), text);
}

describe('stage.json', () => {
  test('a valid manifest is read, with all its fields', async () => {
    await writeStage('install', 'abc', JSON.stringify(INSTALLED));
    await writeStage('snapshot', 'def', JSON.stringify(SNAPSHOT));
    expect(await findStage(places, { stage: 'install', key: 'abc' })).toEqual(INSTALLED);
    expect(await findStage(places, { stage: 'snapshot', key: 'def' })).toEqual(SNAPSHOT);
    expect(await findStage(places, { stage: 'install', key: 'none' })).toBeUndefined();
  });

  test.each(DAMAGED)('%s: the error has file, line and hint', async (_, text, line, why) => {
    await writeStage('install', 'abc', text);
    const file = join(stagePath(places, 'install', 'abc'), 'stage.json');
    await expect(findStage(places, { stage: 'install', key: 'abc' })).rejects.toMatchObject({
      code: 'io',
      message: expect.stringMatching(new RegExp(`^${file}:${line}: `)) as string,
      hint: 'remove the stage with `cygstrap vm rm abc`',
    });
    await expect(findStage(places, { stage: 'install', key: 'abc' })).rejects.toThrow(why);
  });

  test('a missing manifest is an error too', async () => {
    await mkdir(stagePath(places, 'install', 'abc'), { recursive: true });
    await expect(findStage(places, { stage: 'install', key: 'abc' })).rejects.toThrow('cannot read');
  });

  test.each(DAMAGED)('%s: the stage is listed as damaged and can be removed', async (_, text) => {
    await writeStage('install', 'abc', text);
    await writeStage('install', 'fff', JSON.stringify({ ...INSTALLED, key: 'fff' }));
    const listed = await listStages(directory);
    expect(listed.map(({ key, isDamaged, guest }) => ({ key, isDamaged, guest }))).toEqual(
      expect.arrayContaining([
        { key: 'abc', isDamaged: true, guest: null },
        { key: 'fff', isDamaged: false, guest: 'stand-in' },
      ]),
    );
    expect(listed.find(({ key }) => key === 'abc')?.madeOf).toMatch(/^damaged: .*stage\.json:\d+: /);
    expect(await removeStages(['ab'], directory)).toEqual([{ stage: 'install', key: 'abc' }]);
    expect(await readdir(join(places.root, 'install'))).toEqual(['fff']);
  });

  test('gc removes a damaged stage, unless it is in use or a snapshot depends on it', async () => {
    await writeStage('install', 'abc', '{');
    await writeStage('install', 'bcd', '{');
    await writeStage('install', 'cde', '{');
    await writeStage('install', 'fff', JSON.stringify({ ...INSTALLED, key: 'fff' }));
    await writeStage('snapshot', 'def', JSON.stringify(SNAPSHOT));
    await using work = await openWork(places, [{ stage: 'install', key: 'bcd' }]);
    const { removed: stages, leftovers } = await collectStages({ nowMs: Date.now() }, directory);
    expect({ stages, leftovers }).toEqual({ stages: [{ stage: 'install', key: 'cde' }], leftovers: [] });
    expect(await stat(work.path)).toBeDefined();
    expect((await readdir(join(places.root, 'install'))).sort()).toEqual(['abc', 'bcd', 'fff']);
  });

  test('a damaged stage is reported and made again', async () => {
    await writeStage('install', 'abc', '{');
    const events: Event[] = [];
    const context = {
      places,
      host: {},
      guest: { name: 'stand-in' },
      version: 'test',
      report: (event: Event) => void events.push(event),
      signal: new AbortController().signal,
    };
    const made = await reuseOrMake(context, { stage: 'install', key: 'abc' }, () => Promise.resolve(INSTALLED));
    expect(made).toBe(INSTALLED);
    expect(events).toEqual([
      {
        kind: 'warning',
        message: expect.stringMatching(/^the install stage is made again: .*stage\.json:1: /) as string,
      },
    ]);
  });

  test('gc removes run directories, locks and temporary files that killed processes left', async () => {
    vi.stubEnv('TMPDIR', root);
    await using running = await openWork(places);
    const killed = await openWork(places);
    const before = new Date(Date.now() - 2 * HOUR_MS);
    // As after SIGKILL: the lock names a process that has ended.
    const stale = async (path: string): Promise<void> => {
      const holder = JSON.parse(await readFile(path, 'utf8')) as object;
      await writeFile(path, JSON.stringify({ ...holder, start: '1' }));
    };
    await stale(`${killed.run}.lock`);
    await stale(join(places.locks, `work-${basename(killed.path)}`));
    await mkdir(places.integrity, { recursive: true });
    const temporary = [temporaryPathOf(places.host), temporaryPathOf(identitiesPath(places, 'install', 'abc'))];
    for (const path of temporary) await writeFile(path, '{');
    await utimes(temporary[0] ?? '', before, before);
    // Not one of ours.
    await mkdir(join(root, 'cygstrap-other'));
    const { leftovers } = await collectStages({ nowMs: Date.now() }, directory);
    expect(leftovers).toEqual([killed.path]);
    expect((await readdir(root)).sort()).toEqual(
      [basename(running.run), `${basename(running.run)}.lock`, 'cygstrap-other', 'vm'].sort(),
    );
    expect(await readdir(places.work)).toEqual([basename(running.path)]);
    expect(await readdir(places.locks)).toEqual([`work-${basename(running.path)}`]);
    expect(await readdir(places.root)).not.toContain(basename(temporary[0] ?? ''));
    expect(await readdir(places.integrity)).toEqual([basename(temporary[1] ?? '')]);
    vi.unstubAllEnvs();
  });

  test('the command line: vm ls, vm rm and vm gc on a damaged stage', async () => {
    await writeStage('install', 'abc', without(INSTALLED, 'made'));
    await writeStage('install', 'bcd', '{"schema":5}');
    const vm = async (words: string) =>
      runCommand(`XDG_CACHE_HOME=${join(root, 'cache')} cygstrap vm ${words} --vm-dir ${places.root}`);
    const listed = await vm('ls');
    expect(listed).toMatchObject({ exit: 0, stderr: '' });
    expect(listed.stdout).toMatch(/^abc +install +- .* damaged: .*stage\.json:1: has no field `made`$/m);
    expect(await vm('rm abc')).toMatchObject({ exit: 0, stdout: 'removed: install abc\n' });
    expect(await vm('gc')).toMatchObject({ exit: 0, stdout: 'removed: 0 leftovers, 1 stage\n' });
    expect(await vm('ls')).toMatchObject({ exit: 0, stdout: 'no stages yet\n' });
  });
});

test.each(['', '{', 'null', '[]', '{"disk.qcow2":1}', '{"disk.qcow2":"x"'])(
  'a damaged record of file identities is a cache miss: %j',
  async (text) => {
    const use = { stage: 'install', key: 'abc' } as const;
    await writeIdentities(places, use, { 'disk.qcow2': 'id' });
    expect(await readIdentities(places, use)).toEqual({ 'disk.qcow2': 'id' });
    await writeFile(identitiesPath(places, 'install', 'abc'), text);
    expect(await readIdentities(places, use)).toEqual({});
  },
);

const QEMU: Qemu = {
  binary: '/bin/qemu',
  version: '7.2.0',
  sizeBytes: 1,
  modifiedMs: 1.5,
  accelerators: [{ name: 'kvm', works: false, why: 'no', cpu: 'max', durationMs: 1.5 }],
  machineTypes: ['pc'],
  hasIgnoreShared: true,
  hasMappedRam: true,
  hasMultifd: true,
  has9p: true,
  hasUserNetwork: true,
  hasVde: true,
  hasStream: true,
};

describe('host.json', () => {
  test('the result of a probe is read back with all its fields', async () => {
    const host = await probeHost({ environment: process.env });
    for (const each of [host, { ...host, qemu: QEMU }, { ...host, distribution: { name: 'x', family: undefined } }])
      expect(parseHostRecord(JSON.stringify({ cpu: 'c', host: each }), 'host.json')).toEqual({ cpu: 'c', host: each });
  });

  test('tools and firmware are those that are installed now', async () => {
    await mkdir(places.root, { recursive: true });
    const binary = join(places.root, 'qemu');
    await writeFile(binary, '');
    const { size, mtimeMs } = await stat(binary);
    const flash = (name: string) => ({ path: `/${name}`, format: 'raw' }) as const;
    const recorded = {
      architecture: 'x64',
      cpuVendor: 'intel',
      kernelRelease: release(),
      qemu: { ...QEMU, binary, sizeBytes: size, modifiedMs: Math.floor(mtimeMs) },
      firmware: { code: flash('old-code'), vars: flash('old-vars') },
      tools: { swtpm: '/removed/swtpm' },
      memory: { totalBytes: 1, availableBytes: 1 },
      disks: [],
      hasOwnNetworks: true,
      distribution: { name: 'x' },
    };
    await writeFile(places.host, JSON.stringify({ cpu: hostCpu(), host: recorded }));
    const environment = { PATH: places.root, XDG_CONFIG_HOME: places.root };
    const before = await cachedHost(places, { environment });
    expect(before).toMatchObject({ hasOwnNetworks: true, qemu: recorded.qemu });
    expect(before.tools.swtpm).not.toBe('/removed/swtpm');
    expect(before.firmware).not.toEqual(recorded.firmware);
    await writeFile(join(places.root, 'swtpm'), '', { mode: 0o755 });
    expect((await cachedHost(places, { environment })).tools.swtpm).toBe(join(places.root, 'swtpm'));
  });

  test.each(['', '{', 'null', '{"cpu":"x"}', '{"cpu":"x","host":{}}', '{"cpu":"x","host":{"qemu":{}}}'])(
    'a damaged record is a cache miss: %j',
    async (text) => {
      await mkdir(dirname(places.host), { recursive: true });
      await writeFile(places.host, text);
      expect((await cachedHost(places, { environment: { PATH: '' } })).architecture).toBe(process.arch);
    },
  );
});
