import { join } from 'node:path/posix';
import { GuestError } from './guest-error.ts';

/** Names of the two shares on the network. */
export const SHARE_NAMES = { store: 'store', xchg: 'xchg' } as const;

/** How strictly smbd treats the SMB client of a guest. The names are those of smb.conf. */
export interface SmbPolicy {
  /** The oldest protocol that is accepted. */
  readonly minProtocol: 'NT1' | 'SMB2_02' | 'SMB2_10' | 'SMB3_11';
  /** `mandatory`: a client that does not sign is refused. */
  readonly signing: 'auto' | 'mandatory';
  /** Whether a client can log in by NTLMv1, as Windows XP does. */
  readonly allowsNtlmV1: boolean;
}

/** Name of the only user that can log in to the shares. */
export const SHARES_USER = 'cygstrap';

/** Directories of the state of smbd, below `SmbOptions.directory`. */
export const SMBD_DIRECTORIES = ['private', 'lock', 'state', 'cache', 'pid', 'ncalrpc'] as const;

/** Files that smbd reads, below `SmbOptions.directory`. */
export const SMBD_FILES = {
  /** {@link policyConf}. */
  policy: 'policy.conf',
  /** {@link usernameMap}. */
  users: 'private/users',
  /** The password of the user, as `passdbFor` returns it; read at each login. */
  passdb: 'private/smbpasswd',
} as const;

/** Text that smb.conf cannot contain: `%` starts a substitution and cannot be escaped, a backslash at the end joins
 *  lines. */
const NOT_REPRESENTABLE = /[\r\n\0%]|^\s|[\s\\]$/;

export interface SmbOptions {
  /** Directory of the state of smbd, with the directories of {@link SMBD_DIRECTORIES}. */
  readonly directory: string;
  /** Directory of the read-only share. */
  readonly store: string;
  /** Directory of the writable share. */
  readonly xchg: string;
  /** Name of the user that smbd runs as; owner of the files that the guest writes. */
  readonly user: string;
}

/** Returns the content of smb.conf for the two shares, which only {@link SHARES_USER} can use. smbd writes to one
 *  directory only, so that an ordinary user can run it. Pure. Throws GuestError for a path that smb.conf cannot
 *  contain. Durable handles are off, because smbd 4.17 crashes when a client with durable handles disconnects; without
 *  `force user`, smbd refuses writes. Names are not mangled, so that reserved ones such as `con` stay. Kernel oplocks
 *  are off, because with them smbd grants no lease of SMB 2.1 and later. */
export function smbConf({ directory, store, xchg, user }: SmbOptions): string {
  for (const path of [directory, store, xchg, user]) {
    if (NOT_REPRESENTABLE.test(path))
      throw new GuestError('guest', `Samba cannot share this path: ${JSON.stringify(path)}`, {
        hint: 'use a path without `%` and without white space at its end',
      });
  }
  const place = (name: (typeof SMBD_DIRECTORIES)[number]): string => join(directory, name);
  return `[global]
  workgroup = CYGSTRAP
  netbios name = controller
  server string = cygstrap
  server role = standalone server
  security = user
  passdb backend = smbpasswd:${join(directory, SMBD_FILES.passdb)}
  username map = ${join(directory, SMBD_FILES.users)}
  map to guest = Never
  restrict anonymous = 2
  server multi channel support = no
  kernel oplocks = no
  disable netbios = yes
  smb ports = 445
  load printers = no
  printing = bsd
  printcap name = /dev/null
  disable spoolss = yes
  unix charset = UTF-8
  dos charset = ASCII
  mangled names = no
  log level = 0
  log file = ${join(directory, 'log.smbd')}
  max log size = 1000
  private dir = ${place('private')}
  lock directory = ${place('lock')}
  state directory = ${place('state')}
  cache directory = ${place('cache')}
  pid directory = ${place('pid')}
  ncalrpc dir = ${place('ncalrpc')}
  durable handles = no
  include = ${join(directory, SMBD_FILES.policy)}
${share(SHARE_NAMES.store, store, 'yes', user)}${share(SHARE_NAMES.xchg, xchg, 'no', user)}`;
}

function share(name: string, path: string, isReadOnly: 'yes' | 'no', user: string): string {
  return `[${name}]
  path = ${path}
  read only = ${isReadOnly}
  force user = ${user}
  acl allow execute always = yes
`;
}

/** Returns the content of the file with the settings for a kind of guest. Pure. */
export function policyConf({ minProtocol, signing, allowsNtlmV1 }: SmbPolicy): string {
  return `server min protocol = ${minProtocol}
server signing = ${signing}
ntlm auth = ${allowsNtlmV1 ? 'ntlmv1-permitted' : 'ntlmv2-only'}
`;
}

/** Returns the content of the file by which {@link SHARES_USER} is the user that smbd runs as. Pure. */
export function usernameMap(user: string): string {
  return `${user} = ${SHARES_USER}\n`;
}

/** Returns the command that serves one connection of the guest on stdin and stdout. Pure. */
export function smbdCommand(
  smbd: string,
  { conf, directory }: { readonly conf: string; readonly directory: string },
): string[] {
  return [smbd, '-s', conf, '-l', directory];
}
