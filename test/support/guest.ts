import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, readdir } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { ArchiveAnswer, InstallKit, MachineTemplate } from '../../src/guest/kind.ts';
import { makeIdentity } from '../../src/guest/identity.ts';
import { PASSDB_FILE, makePassdb } from '../../src/guest/passdb.ts';
import { prepareSmbd } from '../../src/guest/smbd.ts';
import { SSH_FILES } from '../../src/guest/ssh.ts';
import type { SshTarget } from '../../src/guest/ssh.ts';
import { standIn } from '../../src/guest/stand-in/kind.ts';
import { writeFloppy } from '../../src/media/floppy.ts';
import { writeIso } from '../../src/media/iso.ts';
import { createDisk } from '../../src/vm/disk.ts';
import type { MachineExit } from '../../src/vm/machine.ts';
import type { MachineSpec } from '../../src/vm/base/spec.ts';
import { startMachine } from '../../src/vm/start.ts';
import { emulatingHost, pathOf } from './qemu.ts';
import { PROJECT } from './transcript.ts';

/** Returns a machine with BIOS, under software emulation. */
export function plainMachine(
  { cpu, hasFirmwareConsole, ...template }: MachineTemplate,
  own: Pick<MachineSpec, 'name'> & Partial<MachineSpec>,
): MachineSpec {
  return {
    ...template,
    accelerator: 'tcg',
    firmware: { kind: 'bios', hasConsole: hasFirmwareConsole },
    cpu: cpu.emulated,
    cpus: 1,
    memory: { sizeMiB: 512, backing: { kind: 'private' } },
    start: 'running',
    onReset: 'exit',
    shares: [],
    ...own,
  };
}

const RELEASE = join(PROJECT, 'fixtures/release');
const MEDIUM_DATE_SECONDS = 1_700_000_000;

/** Returns the archives of the small release with their digests. */
export async function archivesOfRelease(): Promise<ArchiveAnswer[]> {
  const paths = (await readdir(RELEASE, { recursive: true }))
    .filter((path) => /(?<!-src)\.tar\.(xz|zst)$/.test(path))
    .sort();
  return Promise.all(
    paths.map(async (path) => {
      const bytes = await readFile(join(RELEASE, path));
      const [, name = '', version = ''] = /([^/]+)-([^-/]+-[^-/]+)-(?:x86_64|noarch)\.tar\.\w+$/.exec(path) ?? [];
      return {
        name,
        version,
        path,
        sizeBytes: bytes.length,
        digest: { algorithm: 'sha512', hex: createHash('sha512').update(bytes).digest('hex') },
      } as const;
    }),
  );
}

export interface Installation {
  readonly lines: readonly string[];
  readonly exit: MachineExit;
}

export interface InstallOptions {
  readonly kit: InstallKit;
  readonly directory: string;
  readonly nonce: string;
  readonly archives: readonly ArchiveAnswer[];
}

/** Installs a stand-in into `disk.qcow2` of a directory. The identity and the boot files are in the same directory. */
export async function installStandIn({ kit, directory, nonce, archives }: InstallOptions): Promise<Installation> {
  const host = await emulatingHost();
  await mkdir(directory, { recursive: true });
  const identity = await makeIdentity('ssh-keygen', directory);
  await makePassdb(pathOf('pdbedit') ?? '', directory, identity.password);
  const disk = join(directory, 'disk.qcow2');
  const [repo, answers] = [join(directory, 'repo.iso'), join(directory, 'answers.img')];
  const entries = archives.map(({ path }) => ({ kind: 'host', path, location: join(RELEASE, path) }) as const);
  await writeIso({ entries, label: 'CYGSTRAP', out: repo, dateSeconds: MEDIUM_DATE_SECONDS });
  await writeFloppy({
    files: kit.answerFiles({ ...identity, nonce, archives, firmware: 'bios', setup: undefined }),
    label: 'ANSWERS',
    out: answers,
    dateSeconds: MEDIUM_DATE_SECONDS,
  });
  await createDisk(host, { path: disk, format: 'qcow2', sizeMiB: 2048 });
  for (const { name, path } of kit.bootFiles) await copyFile(path, join(directory, name));
  const template = kit.installMachine({
    disk: { kind: 'file', path: disk, format: 'qcow2', writes: 'persistent' },
    repo,
    answers,
  });
  await using machine = await startMachine(plainMachine(template, { name: 'install' }), host, { directory });
  const lines: string[] = [];
  for await (const line of machine.console()) lines.push(line);
  const exit = await machine.exited;
  return { lines, exit };
}

/** Prepares smbd for a stand-in that was installed in `image`. Returns its command. */
export async function smbdOf(
  image: string,
  own: { readonly directory: string; readonly store: string; readonly xchg: string },
): Promise<string[]> {
  const { username: name, uid } = userInfo();
  const passdb = await readFile(join(image, PASSDB_FILE), 'utf8');
  return prepareSmbd({ ...own, smbd: pathOf('smbd') ?? '', policy: standIn.smb, passdb, user: { name, uid } });
}

/** Returns the ssh target of an installed stand-in at a port of this host. */
export function targetOf(directory: string, port: number): SshTarget {
  return {
    ssh: 'ssh',
    address: '127.0.0.1',
    port,
    user: standIn.user,
    privateKey: join(directory, SSH_FILES.privateKey),
    knownHosts: join(directory, SSH_FILES.knownHosts),
    times: standIn.times,
  };
}
