import { copyFile, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startController } from '../../src/guest/controller/controller.ts';
import { controllerImage } from '../../src/guest/controller/image.ts';
import type { ControllerImage } from '../../src/guest/controller/image.ts';
import { savedController } from '../../src/guest/controller/saved.ts';
import type { SavedController } from '../../src/guest/controller/saved.ts';
import { inSequence } from '../../src/guest/kind.ts';
import { userCacheDirectory } from '../../src/io/user-dirs.ts';
import { PASSWORD_FILE } from '../../src/guest/identity.ts';
import { PASSDB_FILE } from '../../src/guest/passdb.ts';
import { SSH_FILES } from '../../src/guest/ssh.ts';
import { standIn } from '../../src/guest/stand-in/kind.ts';
import { startVdeSwitch } from '../../src/vm/network/vde.ts';
import type { LinkSpec } from '../../src/vm/base/spec.ts';
import { startMachine } from '../../src/vm/start.ts';
import { plainMachine, installStandIn } from '../support/guest.ts';
import { STAND_IN_PROGRAMS, describeWith, emulatingHost } from '../support/qemu.ts';

describeWith([...STAND_IN_PROGRAMS, 'vde_switch'], 'the controller', () => {
  let directory: string;
  let image: ControllerImage;
  let saved: SavedController;
  const passdb = async (): Promise<string> => readFile(join(directory, 'image', PASSDB_FILE), 'utf8');

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cyg-'));
    const cacheDir = userCacheDirectory(process.env);
    image = await controllerImage({ cacheDir });
    saved = await savedController(await emulatingHost(), { image, smb: standIn.smb, cacheDir: directory });
    await installStandIn({
      kit: await standIn.prepare({ cacheDir }),
      directory: join(directory, 'image'),
      nonce: 'n',
      archives: [],
    });
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  test('is saved once', async () => {
    expect(await savedController(await emulatingHost(), { image, smb: standIn.smb, cacheDir: directory })).toEqual(
      saved,
    );
    expect(await readdir(join(directory, 'controllers'))).toHaveLength(1);
  });

  test.each(['stream', 'vde', 'stream, booted'])('serves the shares and runs commands over %s', async (network) => {
    const host = await emulatingHost();
    const run = await mkdtemp(join(directory, 'run-'));
    const [store, xchg, jobs] = [join(run, 'store'), join(run, 'xchg'), join(run, 'jobs')];
    for (const each of [store, xchg, jobs]) await mkdir(each);
    await writeFile(join(store, 'from-host'), 'a file of the store\n');
    await using vdeSwitch = network === 'vde' ? await startVdeSwitch(host, { directory: run }) : undefined;
    const link = (isServer: boolean): LinkSpec =>
      vdeSwitch === undefined
        ? { kind: 'stream', path: join(run, 'net'), isServer }
        : { kind: 'vde', directory: vdeSwitch.directory };
    const notes: string[] = [];
    await using controller = await startController(host, {
      image,
      smb: standIn.smb,
      passdb: await passdb(),
      saved: network.endsWith('booted') ? undefined : saved,
      directories: { store, xchg, jobs },
      link: link(true),
      directory: run,
      report: (event) => notes.push(event.kind),
    });
    const disk = {
      kind: 'file',
      path: join(directory, 'image/disk.qcow2'),
      format: 'qcow2',
      writes: 'throw-away',
    } as const;
    const template = standIn.bootMachine({ disk, directory: join(directory, 'image'), link: link(false) });
    await using guest = await startMachine(plainMachine(template, { name: 'guest' }), host, { directory: run });
    await controller.untilReady({ timeoutMs: 60_000 });
    expect(notes).not.toContain('warning');

    const login = {
      user: standIn.user,
      privateKey: join(directory, 'image', SSH_FILES.privateKey),
      knownHosts: join(directory, 'image', SSH_FILES.knownHosts),
      times: standIn.times,
    };
    const seen: string[] = [];
    const onOutput = async (stream: string, chunk: Uint8Array): Promise<void> => {
      seen.push(`${stream}: ${Buffer.from(chunk).toString()}`);
      if (seen.length === 2) await writeFile(join(xchg, 'seen'), '');
    };
    const first = inSequence([
      standIn.commands.connectShares,
      'cat /store/from-host; echo err >&2; until [ -e /xchg/seen ]; do sleep 0.1; done; ' +
        'head -c 1000000 /dev/zero >/xchg/new; exit 7',
    ]);
    expect(await guest.unlessEnded(controller.runJob({ ...login, command: first }, { onOutput }))).toBe(7);
    expect(seen.sort()).toEqual(['stderr: err\n', 'stdout: a file of the store\n']);
    expect((await readFile(join(xchg, 'new'))).length).toBe(1_000_000);

    seen.length = 0;
    expect(
      await controller.runJob(
        { ...login, command: inSequence([standIn.commands.connectShares, 'ls /store /xchg /; echo no >/store/new']) },
        { onOutput },
      ),
    ).not.toBe(0);
    expect(seen.join('')).not.toContain('job');
    expect(await readdir(jobs)).not.toContain('smbpasswd');
    // The key is nowhere that a guest or a later reader could find it.
    expect((await readdir(join(jobs, '1'))).sort()).toEqual(['exit', 'known_hosts', 'run', 'stderr', 'stdout']);
  });

  test('saved, it has no password of a guest after it was used', async () => {
    const password = (await readFile(join(directory, 'image', PASSWORD_FILE), 'utf8')).trim();
    const hash = (await passdb()).split(':')[3] ?? '';
    const secrets = [password, hash, Buffer.from(password, 'utf16le'), Buffer.from(hash, 'hex')];
    for (const path of [saved.memory, saved.state]) {
      const bytes = await readFile(path);
      for (const secret of secrets) expect(bytes.includes(secret)).toBe(false);
    }
    // The search finds what is there.
    expect((await readFile(saved.memory)).includes('server signing = mandatory')).toBe(true);
  });

  test('a damaged memory image: it boots instead, with a warning', async () => {
    const host = await emulatingHost();
    const run = await mkdtemp(join(directory, 'run-'));
    const broken = { memory: join(run, 'saved/ram'), state: join(run, 'saved/state') };
    await mkdir(join(run, 'saved'));
    await writeFile(broken.memory, '');
    await writeFile(broken.state, (await readFile(saved.state)).subarray(0, 1000));
    const notes: string[] = [];
    await using controller = await startController(host, {
      image,
      smb: standIn.smb,
      passdb: await passdb(),
      saved: broken,
      directories: { store: run, xchg: run, jobs: run },
      link: { kind: 'none' },
      directory: run,
      report: (event) => notes.push(event.kind),
    });
    expect(notes).toContain('warning');
    await controller.untilReady({ timeoutMs: 60_000 });
  });

  test('a saved controller that ends before it is ready is not used again', async () => {
    const host = await emulatingHost();
    const run = await mkdtemp(join(directory, 'run-'));
    const copy = { memory: join(run, 'saved/ram'), state: join(run, 'saved/state') };
    await mkdir(join(run, 'saved'));
    await copyFile(saved.memory, copy.memory);
    await copyFile(saved.state, copy.state);
    await using controller = await startController(host, {
      image,
      smb: standIn.smb,
      passdb: await passdb(),
      saved: copy,
      directories: { store: run, xchg: run, jobs: run },
      link: { kind: 'none' },
      directory: run,
    });
    process.kill(controller.machine.pid, 'SIGKILL');
    await expect(controller.untilReady({ timeoutMs: 60_000 })).rejects.toThrow(
      'QEMU of machine `controller` died (signal SIGKILL)',
    );
    expect(await readdir(run)).not.toContain('saved');
  });
});
