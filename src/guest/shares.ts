import { join } from 'node:path/posix';
import { GuestError } from './guest-error.ts';

/** The two shares, by their names on the network. */
export const SHARE_NAMES = { store: 'store', xchg: 'xchg' } as const;

/** Directories that smbd keeps its state in, below its own. */
export const SMBD_DIRECTORIES = ['private', 'lock', 'state', 'cache', 'pid', 'ncalrpc'] as const;

/** `%` stands for other text and cannot be escaped, a backslash at the end joins lines. */
const UNSPEAKABLE = /[\r\n\0%]|^\s|[\s\\]$/;

export interface SmbOptions {
  /** Where smbd may write; the directories of `SMBD_DIRECTORIES` are in it. */
  readonly directory: string;
  /** Shown read-only. */
  readonly store: string;
  /** Shown for reading and writing. */
  readonly xchg: string;
  /** Login of who owns what the guest writes: whom smbd runs as. */
  readonly user: string;
}

/** Settings for Samba that show the two shares to anybody who asks, which is the guest alone. All that smbd writes is in one directory,
 *  so that an ordinary user can run it. Pure. Throws GuestError for a path that Samba's settings cannot name.
 *  Durable handles are off because smbd 4.17 dies of them when a client leaves; without `force user` a write is refused. */
export function smbConf({ directory, store, xchg, user }: SmbOptions): string {
  for (const path of [directory, store, xchg, user]) {
    if (UNSPEAKABLE.test(path))
      throw new GuestError('guest', `Samba cannot share this path: ${JSON.stringify(path)}`, {
        hint: 'use one without `%` and without white space at its end',
      });
  }
  const place = (name: (typeof SMBD_DIRECTORIES)[number]): string => join(directory, name);
  return `[global]
  workgroup = CYGSTRAP
  netbios name = controller
  server string = cygstrap
  server role = standalone server
  security = user
  map to guest = Bad User
  server min protocol = SMB2_02
  disable netbios = yes
  smb ports = 445
  load printers = no
  printing = bsd
  printcap name = /dev/null
  disable spoolss = yes
  unix charset = UTF-8
  dos charset = ASCII
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
${share(SHARE_NAMES.store, store, 'yes', user)}${share(SHARE_NAMES.xchg, xchg, 'no', user)}`;
}

function share(name: string, path: string, isReadOnly: 'yes' | 'no', user: string): string {
  return `[${name}]
  path = ${path}
  read only = ${isReadOnly}
  guest ok = yes
  force user = ${user}
  acl allow execute always = yes
`;
}

/** The command that serves one connection of the guest, on its stdin and stdout. Pure. */
export function smbdCommand(
  smbd: string,
  { conf, directory }: { readonly conf: string; readonly directory: string },
): string[] {
  return [smbd, '-s', conf, '-l', directory];
}
