import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { passdbFor } from './passdb.ts';
import type { UnixUser } from './passdb.ts';
import { SMBD_DIRECTORIES, SMBD_FILES, policyConf, smbConf, smbdCommand, usernameMap } from './shares.ts';
import type { SmbOptions, SmbPolicy } from './shares.ts';

export interface SmbdOptions extends Pick<SmbOptions, 'store' | 'xchg'> {
  /** Path of the program. */
  readonly smbd: string;
  /** Private directory for its settings and state. */
  readonly directory: string;
  readonly policy: SmbPolicy;
  /** Content of {@link PASSDB_FILE}. */
  readonly passdb: string;
  /** The user that runs it. */
  readonly user: UnixUser;
}

/** Writes settings for an smbd of this host. Returns the command that serves one connection of the guest on stdin and
 *  stdout. Throws GuestError for a path that smb.conf cannot contain, and errors of the system. */
export async function prepareSmbd({
  smbd,
  directory,
  store,
  xchg,
  policy,
  passdb,
  user,
}: SmbdOptions): Promise<string[]> {
  const state = join(directory, 'smb');
  const conf = join(directory, 'smb.conf');
  await Promise.all(SMBD_DIRECTORIES.map((name) => mkdir(join(state, name), { recursive: true, mode: 0o755 })));
  await Promise.all([
    writeFile(conf, smbConf({ directory: state, store, xchg, user: user.name })),
    writeFile(join(state, SMBD_FILES.policy), policyConf(policy)),
    writeFile(join(state, SMBD_FILES.users), usernameMap(user.name)),
    writeFile(join(state, SMBD_FILES.passdb), passdbFor(passdb, user), { mode: 0o600 }),
  ]);
  return smbdCommand(smbd, { conf, directory: state });
}
