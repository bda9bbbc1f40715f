import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { waitForMarker } from '../guest/console.ts';
import { PASSDB_FILE } from '../guest/passdb.ts';
import { prepareSmbd } from '../guest/smbd.ts';
import { SSH_FAILED, shellOverSsh, streamOverSsh, waitForSsh } from '../guest/ssh-run.ts';
import { SSH_FILES } from '../guest/ssh.ts';
import type { SshTarget } from '../guest/ssh.ts';
import type { Machine } from '../vm/machine.ts';
import { findOwnNetwork } from '../vm/network/own-network.ts';
import { requireTool } from '../vm/base/require.ts';
import { timesOf } from './machine-spec.ts';
import type { StageContext } from './context.ts';
import type { NetworkAttachment, AttachmentOptions } from './topology.ts';
import { whileRunning } from './while-running.ts';

const END_GRACE_MS = 1000;

/** An attachment whose guest is reached by ssh of this host. */
export interface DirectAttachment extends NetworkAttachment {
  /** Returns the ssh target in a machine that was started with the link. Its keys are in the directory of the
   *  installed disk. */
  readonly targetIn: (machine: Machine) => SshTarget;
}

/** Creates the link of topology `direct`. An smbd of this host serves each connection of the guest to its shares;
 *  its settings and state are in the directory of the run. A loopback port is forwarded to ssh of the guest. The
 *  port is in a separate network namespace if this user may create one; otherwise every user of this computer can
 *  connect to it, but only the key logs in. */
export async function attachDirectly(
  context: StageContext,
  { shares, directory, installed, qemuArguments }: AttachmentOptions,
): Promise<DirectAttachment> {
  const smbd = requireTool(context.host, 'smbd');
  const { username: name, uid } = userInfo();
  const command = await prepareSmbd({
    ...shares,
    smbd,
    directory,
    policy: context.guest.smb,
    passdb: await readFile(join(installed, PASSDB_FILE), 'utf8'),
    user: { name, uid },
  });
  const network = qemuArguments.length === 0 ? await findOwnNetwork(process.env, context.signal) : undefined;
  const targetIn = ({ pid, sshPort, spec }: Machine): SshTarget => ({
    within: network?.join(pid),
    ssh: requireTool(context.host, 'ssh'),
    address: '127.0.0.1',
    port: sshPort ?? 0,
    user: context.guest.user,
    privateKey: join(installed, SSH_FILES.privateKey),
    knownHosts: join(installed, SSH_FILES.knownHosts),
    times: timesOf(context, spec),
  });
  return {
    link: {
      kind: 'direct',
      smbdCommand: command,
      sshPort: 'any',
      ...(network !== undefined && { within: network.begin }),
    },
    targetIn,
    shellOf: (machine) => {
      const target = targetIn(machine);
      return {
        waitUntilReady: async ({ bootTimeoutMs: timeoutMs, signal: wanted }) => {
          // A resumed guest answers the first command; a check before it would take as long as the command.
          if (timeoutMs === undefined) return;
          if (context.guest.reportsReady) await waitForMarker(machine, 'ready', { timeoutMs, signal: wanted });
          await whileRunning(machine, wanted, (signal) => waitForSsh(target, { timeoutMs, signal }));
        },
        run: (command, options) =>
          whileRunning(machine, options.signal, async (signal) => {
            const code = await streamOverSsh(target, command, { ...options, signal });
            // When the machine ends, its connection closes first.
            if (code === null || code === SSH_FAILED) await delay(END_GRACE_MS, undefined, { signal });
            return code;
          }),
        interactive: async (command, { signal }) => {
          let shell: Promise<number | null> | undefined;
          try {
            return await whileRunning(
              machine,
              signal,
              (stop) => (shell = shellOverSsh(target, command, { signal: stop })),
            );
          } finally {
            // ssh uses the terminal until it has ended.
            await shell?.catch(() => {});
          }
        },
      };
    },
    // Everything ends with the machine.
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
