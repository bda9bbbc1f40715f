import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runProgram } from '../io/program.ts';
import { GuestError } from './guest-error.ts';

/** The name under which a guest's host key is known, whatever address leads to it. */
const HOST_ALIAS = 'cygstrap-guest';

/** Names of the files of an installed image that ssh needs. */
export const SSH_FILES = { privateKey: 'ssh.key', publicKey: 'ssh.key.pub', knownHosts: 'known_hosts' } as const;

export interface KeyPair {
  /** Path, readable by us alone. */
  readonly privateKey: string;
  /** The line for `authorized_keys`. */
  readonly publicKey: string;
}

/** Makes a new ed25519 key pair in a directory, in place of one that is there. Throws GuestError `tool`. */
export async function makeKeyPair(keygen: string, directory: string): Promise<KeyPair> {
  const privateKey = join(directory, SSH_FILES.privateKey);
  await mkdir(directory, { recursive: true });
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

/** Pins a guest's host key: writes the one line of a known_hosts file. */
export async function pinHostKey(path: string, key: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${HOST_ALIAS} ${key}\n`, { mode: 0o600 });
}

/** How to reach a guest. */
export interface SshTarget {
  /** Words before the command line, where address and port are in a network that ssh has to be put into. */
  readonly within?: readonly string[] | undefined;
  /** Path of the program. */
  readonly ssh: string;
  readonly address: string;
  readonly port: number;
  readonly user: string;
  readonly privateKey: string;
  readonly knownHosts: string;
}

/** The command line, program first, that logs in and hands a command line to the user's shell, or gives a terminal without one. Pure.
 *  Nothing of the caller's settings is read, nobody is asked, only the pinned host key is taken, and a guest that does not answer is
 *  noticed after eight seconds. */
export function sshArgv(
  { within = [], ssh, address, port, user, privateKey, knownHosts }: SshTarget,
  command?: string,
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
    // The cheapest for an emulated processor; nobody else is on the wire.
    KexAlgorithms: 'curve25519-sha256',
    GSSAPIAuthentication: 'no',
    ControlPath: 'none',
    ConnectTimeout: '10',
    ServerAliveInterval: '2',
    ServerAliveCountMax: '3',
    LogLevel: 'ERROR',
  };
  return [
    ...within,
    ssh,
    '-F',
    'none',
    ...(command === undefined ? ['-t'] : ['-T']),
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

/** ssh puts other text in for `%x` in the names of files. */
function literal(path: string): string {
  return path.replaceAll('%', '%%');
}
