import { mkdir, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { SMBD_DIRECTORIES, smbConf, smbdCommand } from '../guest/shares.ts';
import type { SshTarget } from '../guest/ssh.ts';
import { SSH_FILES } from '../guest/ssh.ts';
import type { Host } from '../vm/host.ts';
import type { LinkSpec } from '../vm/spec.ts';
import { requireTool } from './context.ts';

/** Directories of the host that a guest sees. */
export interface SharedDirectories {
  /** Read-only. */
  readonly store: string;
  readonly xchg: string;
}

/** Makes the link of topology `direct`: each connection of the guest to its shares is served by an smbd of this host, whose settings and
 *  state are in `directory`. */
export async function directLink(host: Host, directory: string, { store, xchg }: SharedDirectories): Promise<LinkSpec> {
  const smbd = requireTool(host, 'smbd');
  const state = join(directory, 'smb');
  const conf = join(directory, 'smb.conf');
  await Promise.all(SMBD_DIRECTORIES.map((name) => mkdir(join(state, name), { recursive: true, mode: 0o755 })));
  await writeFile(conf, smbConf({ directory: state, store, xchg, user: userInfo().username }));
  return { kind: 'direct', smbdCommand: smbdCommand(smbd, { conf, directory: state }), sshPort: 'any' };
}

/** How ssh reaches a guest of topology `direct`, with the keys that lie beside its installed disk. */
export function directTarget(host: Host, { installed, user, port }: { readonly installed: string; readonly user: string; readonly port: number }): SshTarget {
  return {
    ssh: requireTool(host, 'ssh'),
    address: '127.0.0.1',
    port,
    user,
    privateKey: join(installed, SSH_FILES.privateKey),
    knownHosts: join(installed, SSH_FILES.knownHosts),
  };
}
