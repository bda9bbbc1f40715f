import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SHARES_ADDRESS } from '../../vm/network/addresses.ts';
import type { DiskSource, LinkSpec } from '../../vm/base/spec.ts';
import { parseMarker } from '../console-markers.ts';
import { inSequence } from '../kind.ts';
import type {
  Answers,
  BootOptions,
  GuestCommands,
  GuestKind,
  InstallKit,
  InstallOptions,
  MachineTemplate,
  PrepareOptions,
} from '../kind.ts';
import type { InstallProgress } from '../install-progress.ts';
import { RESIDENT_NUMBER } from '../resident-number.ts';
import { SFM_NAMES } from '../share-names.ts';
import type { GuestTimes } from '../times.ts';
import { verifyFiles } from '../cygwin/verify.ts';
import { SHARES_USER } from '../shares.ts';
import { quoteWord } from '../../io/quoting.ts';
import { standInImages } from './images.ts';
import { MOUNT_WORD } from './scripts.ts';

const BOOT_FILES = { kernel: 'vmlinuz', initrd: 'boot.cpio' } as const;
const MINUTE_MS = 60_000;

/** One phase: the console markers of the installer are steps of it. */
const PROGRESS: InstallProgress = {
  phases: [{ name: 'start', timeoutMs: 10 * MINUTE_MS }],
  stallTimeoutMs: 2 * MINUTE_MS,
  reactTo: () => ({}),
};

/** A small Linux is fast under software emulation too. */
const TIMES: GuestTimes = {
  bootMs: 10 * MINUTE_MS,
  responseMs: MINUTE_MS,
  silenceMs: 6000,
  powerOffMs: 2 * MINUTE_MS,
  clockMs: 1000,
  quiet: { durationMs: 200, timeoutMs: 5000, processorShare: 0.5, diskBytesPerSecond: 10e6 },
  emulationFactor: 1,
};

/** Exit code of a shell that does not find the command. */
const NOT_FOUND_CODE = 127;

const SHARES = { store: '/store', xchg: '/xchg' } as const;
const APPEND = 'console=ttyS0 quiet panic=-1';

type StandInCommands = Required<Omit<GuestCommands, 'connectDrives' | 'reachShares'>>;

/** A Linux guest with the interface of a Windows guest: it installs itself from the same media onto a blank disk and
 *  uses the same serial and network devices. It consists of programs of this host, and unpacks the archives into
 *  /cygwin. */
export const standIn: Required<GuestKind> & { readonly commands: StandInCommands } = {
  name: 'stand-in',
  notice: 'the guest is the stand-in, a small Linux; it is not Windows',
  exitHint: (code) =>
    code === NOT_FOUND_CODE
      ? 'the stand-in is a small Linux: it has `sh` and `uname`, but cannot run the packages of the lock'
      : undefined,
  user: 'root',
  shares: SHARES,
  shareNames: SFM_NAMES,
  smb: { minProtocol: 'SMB3_11', signing: 'mandatory', allowsNtlmV1: false },
  reportsReady: true,
  mountsShares: true,
  firmwares: ['bios', 'uefi'],
  defaults: { memoryMiB: 512, cpus: 1, diskMiB: 8192, firmware: 'bios' },
  times: TIMES,
  prepare,
  bootMachine: ({ disk, directory, link, mounts = [] }: BootOptions): MachineTemplate => ({
    ...machine(disk, link),
    cdroms: [],
    floppies: [],
    boot: {
      kind: 'kernel',
      kernel: join(directory, BOOT_FILES.kernel),
      initrd: join(directory, BOOT_FILES.initrd),
      append: [APPEND, ...mounts.map(({ tag, access }) => `${MOUNT_WORD}${tag}:${access}`)].join(' '),
    },
  }),
  parseMarker,
  commands: commands(),
  ownVariables: new Set(),
};

async function prepare(options: PrepareOptions): Promise<InstallKit> {
  const { kernel, installer, boot } = await standInImages(options);
  const kernelHash = createHash('sha256')
    .update(await readFile(kernel.image))
    .digest('hex');
  return {
    key: createHash('sha256').update(`stand-in ${kernelHash} ${installer.key} ${boot.key}`).digest('hex'),
    answerForm: 'floppy',
    answerFiles: standInAnswers,
    description: [],
    installMachine: ({ disk, repo, answers }: InstallOptions): MachineTemplate => ({
      ...machine(disk, { kind: 'none' }),
      cdroms: [{ id: 'repo', path: repo }],
      floppies: [{ id: 'answers', path: answers }],
      boot: { kind: 'kernel', kernel: kernel.image, initrd: installer.path, append: APPEND },
    }),
    progress: PROGRESS,
    usualDiskMiB: 0,
    bootFiles: [
      { name: BOOT_FILES.kernel, path: kernel.image },
      { name: BOOT_FILES.initrd, path: boot.path },
    ],
  };
}

/** The oldest processor that the programs of all distributions support, with the instruction RDRAND as a source of
 *  entropy. */
const CPU = 'Nehalem,+rdrand';

/** Returns the devices of a computer for Windows. */
function machine(disk: DiskSource, link: LinkSpec): Omit<MachineTemplate, 'cdroms' | 'floppies' | 'boot'> {
  return {
    family: 'pc',
    hasFirmwareConsole: false,
    cpu: { kvm: { amd: CPU, other: CPU }, emulated: CPU },
    disks: [{ id: 'disk0', bus: 'ide', source: disk }],
    nics: [{ id: 'nic0', model: 'e1000', mac: '52:54:00:12:01:01', link }],
    graphics: { kind: 'vga' },
    pointer: 'ps2',
    clock: { base: 'utc', runsBy: 'vm' },
    hasPanicDevice: false,
    // Its value changes when the machine is resumed; the kernel of the guest then reseeds its random number generator.
    extraArguments: ['-device', 'vmgenid,guid=auto,id=vmgenid0'],
  };
}

/** Returns the files of the floppy: the nonce, the keys for ssh, the shares with their password, and the archives to
 *  unpack. */
function standInAnswers({
  nonce,
  authorizedKey,
  hostKey,
  password,
  archives,
}: Answers): ReadonlyMap<string, Uint8Array> {
  const list = archives
    .map(
      ({ name, version, path, sizeBytes, digest }) =>
        `${digest.algorithm} ${digest.hex} ${sizeBytes} ${name} ${version} ${path}\n`,
    )
    .join('');
  const listDigest = createHash('sha512').update(list).digest('hex');
  const texts = {
    answers: `nonce=${nonce}\ndisk=/dev/sda\narchives=${listDigest}\n`,
    archives: list,
    authkeys: `${authorizedKey.trim()}\n`,
    hostkey: hostKey.privateKey,
    'hostkey.pub': `${hostKey.publicKey}\n`,
    fstab: `${fstabLine('store', 'ro', password)}${fstabLine('xchg', 'rw', password)}`,
    ...Object.fromEntries(verifyFiles(archives)),
  };
  return new Map(Object.entries(texts).map(([name, text]) => [name, Buffer.from(text)]));
}

/** Returns a line of /etc/fstab for a share. The server must sign, and the user must be known there. A mount that was
 *  saved with its machine is never used again: `nosharesock`. */
function fstabLine(share: 'store' | 'xchg', mode: 'ro' | 'rw', password: string): string {
  const options = {
    ip: SHARES_ADDRESS,
    username: SHARES_USER,
    password,
    sec: 'ntlmsspi',
    vers: '3.1.1',
    iocharset: 'utf8',
  };
  const words = Object.entries(options).map(([name, value]) => `${name}=${value}`);
  const text = [...words, 'noperm', 'nosharesock', mode].join(',');
  return `//${SHARES_ADDRESS}/${share} ${SHARES[share]} cifs ${text} 0 0\n`;
}

function commands(): StandInCommands {
  // The login shell is bash: reading the list of mounts needs no process. A client can be faster than the process that
  // smbd starts for notifications of changes, and the first attempt then fails with ENOMEM.
  const connect = Object.values(SHARES).map(
    (place) => `{ [[ $mounts = *' ${place} '* ]] || mount ${place} 2>/dev/null || mount ${place}; }`,
  );
  return {
    connectShares: inSequence(['mounts=$(</proc/mounts)', ...connect]),
    overlayStore: `/sbin/overlay ${quoteWord(SHARES.store)}`,
    ...RESIDENT_NUMBER,
    setClock: (epochMs) => `date -u -s @${Math.round(epochMs / 1000)} >/dev/null`,
    readClock: 'echo $((${EPOCHREALTIME/[.,]/} / 1000))',
    renewEntropy: (hex) => `echo ${quoteWord(hex)} >/dev/urandom`,
    runScript: (path) => `exec /bin/sh ${quoteWord(`${SHARES.xchg}/${path}`)}`,
    shutdown: 'setsid /sbin/shutdown-now </dev/null >/dev/null 2>&1 &',
  };
}
