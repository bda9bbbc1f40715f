import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { InstallKit } from '../../src/guest/kind.ts';
import { inSequence } from '../../src/guest/kind.ts';
import { userCacheDirectory } from '../../src/io/user-dirs.ts';
import { RUN_FILES, parseRunEnd, runScript, savedEnvironment } from '../../src/guest/run-script.ts';
import type { SshTarget } from '../../src/guest/ssh.ts';
import { pinHostKey } from '../../src/guest/ssh.ts';
import { waitForMarker } from '../../src/guest/console.ts';
import { runCheckedOverSsh, runOverSsh, streamOverSsh, waitForSsh } from '../../src/guest/ssh-run.ts';
import { standIn } from '../../src/guest/stand-in/kind.ts';
import type { Machine } from '../../src/vm/machine.ts';
import { startMachine } from '../../src/vm/start.ts';
import { archivesOfRelease, installStandIn, plainMachine, smbdOf, targetOf } from '../support/guest.ts';
import type { Installation } from '../support/guest.ts';
import { STAND_IN_PROGRAMS, describeWith, emulatingHost } from '../support/qemu.ts';

const NONCE = 'number-4711';

describeWith(STAND_IN_PROGRAMS, 'the stand-in', () => {
  let directory: string;
  let kit: InstallKit;
  let installed: Installation;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cyg-'));
    kit = await standIn.prepare({ cacheDir: userCacheDirectory(process.env) });
    installed = await installStandIn({ kit, directory, nonce: NONCE, archives: await archivesOfRelease() });
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  test('is built reproducibly', async () => {
    const cacheDir = userCacheDirectory(process.env);
    // Without what is known of them they are made out anew.
    for (const name of ['installer', 'boot']) await rm(join(cacheDir, `images/stand-in-${name}.json`));
    expect((await standIn.prepare({ cacheDir })).key).toBe(kit.key);
  });

  test('installs itself, reports each step and powers off', () => {
    const markers = installed.lines.flatMap((line) => standIn.parseMarker(line) ?? []);
    const steps = markers.map((marker) => (marker.kind === 'stage' ? marker.name : marker.kind));
    expect([...new Set(steps)]).toEqual([
      'boot',
      'media',
      'partition',
      'format',
      'system',
      'packages',
      'postinstall',
      'configure',
      'hostkey',
      'verify',
      'verdict',
      'installed',
    ]);
    expect(markers).toContainEqual({ kind: 'stage', name: 'packages', step: { number: 13, of: 13 } });
    expect(markers).toContainEqual({ kind: 'verdict', verdict: { findings: 0, packages: 13 } });
    expect(markers.at(-1)).toEqual({ kind: 'installed', nonce: NONCE });
    expect(installed.exit).toEqual({ reason: 'guest-shutdown' });
  });

  test('a damaged archive is rejected, without the marker `installed`', async () => {
    const archives = (await archivesOfRelease()).map((archive, i) =>
      i === 3 ? { ...archive, digest: { algorithm: 'sha512', hex: '0'.repeat(128) } as const } : archive,
    );
    const place = join(directory, 'damaged');
    const { lines, exit } = await installStandIn({ kit, directory: place, nonce: NONCE, archives });
    const markers = lines.flatMap((line) => standIn.parseMarker(line) ?? []);
    expect(markers.at(-1)).toEqual({ kind: 'failed', text: `${archives[3]?.path}: wrong sha512` });
    expect(markers.filter(({ kind }) => kind === 'installed')).toEqual([]);
    expect(exit).toEqual({ reason: 'guest-shutdown' });
  });

  describeWith([], 'installed', () => {
    let machine: Machine;
    let target: SshTarget;
    let xchg: string;

    beforeAll(async () => {
      xchg = join(directory, 'xchg');
      const store = join(directory, 'store');
      for (const each of [xchg, store]) await mkdir(each, { recursive: true });
      await writeFile(join(store, 'from-host'), 'a file of the store\n');
      const template = standIn.bootMachine({
        disk: { kind: 'file', path: join(directory, 'disk.qcow2'), format: 'qcow2', writes: 'persistent' },
        directory,
        link: { kind: 'direct', smbdCommand: await smbdOf(directory, { directory, store, xchg }), sshPort: 'any' },
      });
      machine = await startMachine(plainMachine(template, { name: 'guest' }), await emulatingHost(), { directory });
      target = targetOf(directory, machine.sshPort ?? 0);
      await waitForMarker(machine, 'ready', { timeoutMs: 60_000 });
      await machine.unlessEnded(waitForSsh(target, { timeoutMs: 60_000 }));
    });
    afterAll(() => machine[Symbol.asyncDispose]());

    test('contains the files of the packages', async () => {
      expect(
        await runCheckedOverSsh(target, 'cat /cygwin/usr/share/doc/bash/README || find /cygwin -type f | sort'),
      ).toContain('bash');
    });

    test('accepts logins only with the pinned host key', async () => {
      const knownHosts = join(directory, 'wrong_hosts');
      await pinHostKey(knownHosts, 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGumuqDlNl4PRsllgMRG3DuqVkqJC5kjy6rGj9uimIJK');
      await expect(waitForSsh({ ...target, knownHosts }, { timeoutMs: 5_000 })).rejects.toThrow(
        /^the ssh login to the guest failed: Host key verification failed/,
      );
    });

    test('shares: one read-only, one writable, connected for one connection of ssh', async () => {
      const { connectShares } = standIn.commands;
      const connected = async (...commands: string[]): Promise<string> =>
        runCheckedOverSsh(target, inSequence([connectShares, ...commands]));
      expect(await connected(connectShares, 'cat /store/from-host')).toBe('a file of the store\n');
      expect(await connected('! (echo no >/store/new) 2>/dev/null', 'grep -c cifs /proc/mounts')).toBe('2\n');
      await connected('echo from the guest >/xchg/new', 'mv /xchg/new /xchg/newer');
      expect(await readFile(join(xchg, 'newer'), 'utf8')).toBe('from the guest\n');
      expect(await runCheckedOverSsh(target, 'ls /store /xchg; ! grep cifs /proc/mounts')).toBe('/store:\n\n/xchg:\n');
      // The file with the password is readable for the user only, and no command line has it.
      const password = (await readFile(join(directory, 'password'), 'utf8')).trim();
      expect(await connected('stat -c %a /etc/fstab')).toBe('600\n');
      expect(await connected('cat /etc/fstab')).toContain(`password=${password},`);
      expect(await connected('cat /proc/[0-9]*/cmdline 2>/dev/null')).not.toContain(password);
    });

    test('a share is refused without the right password, as guest, and without a signature', async () => {
      const options = 'ip=192.168.0.2,vers=3.1.1';
      const mount = async (more: string): Promise<number | null> =>
        (await runOverSsh(target, `mount -t cifs //192.168.0.2/store /mnt -o ${options},${more}`)).code;
      const password = (await readFile(join(directory, 'password'), 'utf8')).trim();
      expect(await mount(`username=cygstrap,password=${password},sec=ntlmsspi`)).toBe(0);
      expect(await mount('username=cygstrap,password=wrong,sec=ntlmsspi')).not.toBe(0);
      expect(await mount('username=guest,password=,sec=ntlmsspi')).not.toBe(0);
      expect(await mount('sec=none')).not.toBe(0);
    });

    test('a number in RAM, the clock, randomness', async () => {
      const { storeNumber, readNumber, setClock, readClock, renewEntropy } = standIn.commands;
      await runCheckedOverSsh(
        target,
        inSequence([storeNumber('123456'), setClock(1_800_000_000_400), renewEntropy('00ff'.repeat(16))]),
      );
      expect(await runCheckedOverSsh(target, readNumber)).toBe('123456\n');
      expect(Number(await runCheckedOverSsh(target, readClock)) - 1_800_000_000_000).toBeLessThan(30_000);
    });

    // Each run has a directory of its own: of a file that the host wrote anew under its old name a guest may have the
    // old content.
    test.each([
      [['sh', '-c', 'cat; echo "$GREETING"; echo err >&2; pwd; exit 7'], 7, "it's\n/xchg/run-7\n", 'err\n'],
      [['sh', '-c', 'kill -KILL $$'], 137, '', expect.any(String)],
      [['no-such-program'], 127, '', expect.stringContaining('not found')],
    ])('a run of %j', async (argv, code, stdout, stderr) => {
      const name = `run-${code}`;
      const run = join(xchg, name);
      await mkdir(run);
      await writeFile(join(run, RUN_FILES.script), runScript({ directory: `/xchg/${name}`, argv }));
      await writeFile(join(run, RUN_FILES.environment), savedEnvironment({ GREETING: "it's" }));
      const result = await runOverSsh(
        target,
        inSequence([standIn.commands.connectShares, standIn.commands.runScript(`${name}/${RUN_FILES.script}`)]),
      );
      expect(result).toEqual({ code, stdout, stderr });
      expect(parseRunEnd(await readFile(join(run, RUN_FILES.exit), 'utf8'))).toEqual({ kind: 'exit', code });
    });

    test('output is streamed while the command runs', async () => {
      const seen: string[] = [];
      // The command ends only after its first output was received.
      await streamOverSsh(target, 'echo 1; until [ -e /tmp/seen ]; do sleep 0.1; done; echo 2', {
        onOutput: async (_stream, chunk) => {
          seen.push(Buffer.from(chunk).toString());
          if (seen.length === 1) await runCheckedOverSsh(target, 'touch /tmp/seen');
        },
      });
      expect(seen).toEqual(['1\n', '2\n']);
    });

    test('powers off when its button is pressed, without data loss', async () => {
      await runCheckedOverSsh(target, 'echo kept >/root/kept');
      // The button is seen when its driver is loaded, which is after sshd answers.
      await delay(500);
      expect(await machine.powerdown({ timeoutMs: 30_000 })).toEqual({ reason: 'guest-shutdown' });
    });
  });
});
