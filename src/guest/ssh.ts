import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { runProgram } from '../io/program.ts';
import { GuestError } from './guest-error.ts';
import type { GuestTimes } from './times.ts';

/** Name of a guest in the known_hosts file; it is independent of the address. */
const HOST_ALIAS = 'cygstrap-guest';

/** Time between two requests for a packet on an open connection. */
const ALIVE_INTERVAL_MS = 2000;

/** Files for ssh in the directory of an installed disk. */
export const SSH_FILES = { privateKey: 'ssh.key', publicKey: 'ssh.key.pub', knownHosts: 'known_hosts' } as const;

export interface KeyPair {
  /** Path; readable by this user only. */
  readonly privateKey: string;
  /** Line for `authorized_keys`. */
  readonly publicKey: string;
}

/** Creates an ed25519 key pair: the private key at the path, the public one beside it; replaces existing ones. Throws
 *  GuestError `tool` if `ssh-keygen` fails. */
export async function makeKeyPair(keygen: string, privateKey: string): Promise<KeyPair> {
  await Promise.all([privateKey, `${privateKey}.pub`].map((path) => rm(path, { force: true })));
  try {
    await runProgram([keygen, '-q', '-t', 'ed25519', '-N', '', '-C', 'cygstrap', '-f', privateKey], {
      timeoutMs: 60_000,
    });
  } catch (cause) {
    throw new GuestError('tool', '`ssh-keygen` failed', { cause });
  }
  return { privateKey, publicKey: (await readFile(`${privateKey}.pub`, 'utf8')).trim() };
}

/** Writes the host key of a guest to a known_hosts file. Throws errors of the system. */
export async function pinHostKey(path: string, key: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${HOST_ALIAS} ${key}\n`, { mode: 0o600 });
}

/** How to reach a guest. */
export interface SshTarget {
  /** Command prefix that runs ssh in the network namespace of the guest, if it has one. */
  readonly within?: readonly string[] | undefined;
  /** Path of the ssh program. */
  readonly ssh: string;
  readonly address: string;
  readonly port: number;
  readonly user: string;
  readonly privateKey: string;
  readonly knownHosts: string;
  readonly times: Pick<GuestTimes, 'responseMs' | 'silenceMs'>;
}

/** Returns the command line of ssh, program first, that runs a command with the shell of the user, or that shell
 *  without a command; by default only the shell has a terminal. Pure. ssh reads no settings of the caller, asks no
 *  questions, accepts only the recorded host key, and ends with exit code 255 if the guest does not respond within its
 *  times. */
export function sshArgv(
  { within = [], ssh, address, port, user, privateKey, knownHosts, times }: SshTarget,
  command?: string,
  { hasTerminal = command === undefined }: { readonly hasTerminal?: boolean } = {},
): string[] {
  const options = {
    BatchMode: 'yes',
    StrictHostKeyChecking: 'yes',
    UserKnownHostsFile: `"${literal(knownHosts)}"`,
    GlobalKnownHostsFile: '/dev/null',
    HostKeyAlias: HOST_ALIAS,
    CheckHostIP: 'no',
    IdentitiesOnly: 'yes',
    IdentityAgent: 'none',
    PreferredAuthentications: 'publickey',
    // The cheapest algorithm for an emulated processor; OpenSSH before 7.4 knows its second name only. No other
    // machine is on this network.
    KexAlgorithms: 'curve25519-sha256,curve25519-sha256@libssh.org',
    GSSAPIAuthentication: 'no',
    ControlPath: 'none',
    ConnectTimeout: `${Math.ceil(times.responseMs / 1000)}`,
    ServerAliveInterval: `${ALIVE_INTERVAL_MS / 1000}`,
    ServerAliveCountMax: `${Math.ceil(times.silenceMs / ALIVE_INTERVAL_MS)}`,
    LogLevel: 'ERROR',
  };
  return [
    ...within,
    ssh,
    '-F',
    'none',
    hasTerminal ? '-t' : '-T',
    '-i',
    literal(privateKey),
    '-p',
    `${port}`,
    '-l',
    user,
    ...Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
    address,
    ...(command === undefined ? [] : ['--', command]),
  ];
}

/** Escapes `%`, which ssh expands in file names. */
function literal(path: string): string {
  return path.replaceAll('%', '%%');
}
