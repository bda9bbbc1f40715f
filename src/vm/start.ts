import { existsSync } from 'node:fs';
import { open, rm, stat, statfs } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Report } from '../events.ts';
import { argvOf } from './argv.ts';
import { quoteCommand } from '../io/quoting.ts';
import type { Host } from './host.ts';
import { emptyDiskPath, filesOf } from './layout.ts';
import type { MachineFiles } from './layout.ts';
import { Machine, deathOf } from './machine.ts';
import { freePort, isPortTaken } from './network/port.ts';

import { QmpSession } from './qmp/session.ts';
import type { MachineSpec } from './spec.ts';
import { startVmProgram, VmError } from './vm-error.ts';

const START_TIMEOUT_MS = 30_000;
const DEATH_GRACE_MS = 1000;
const PORT_ATTEMPTS = 5;
const MIB = 1024 * 1024;

export interface StartOptions {
  /** Where its sockets and files go: short, private and its own for each run (see RunDirectory). */
  readonly directory: string;
  /** Where the log of the console goes; by default into the directory. What is there is kept, and added to. */
  readonly consoleLog?: string | undefined;
  /** When aborted, the machine is ended at once. */
  readonly signal?: AbortSignal | undefined;
  readonly report?: Report | undefined;
}

/** Starts a machine and waits until QEMU answers; it runs then, unless its spec says otherwise. Dispose of it in the end. Throws VmError
 *  when it cannot be, and the reason of the signal. */
export async function startMachine(spec: MachineSpec, host: Host, options: StartOptions): Promise<Machine> {
  const { signal, consoleLog } = options;
  signal?.throwIfAborted();
  if (host.qemu === undefined)
    throw new VmError('QEMU is not installed', { hint: '`cygstrap doctor` tells how to install it' });
  const names = filesOf(spec.name, options.directory);
  const files = consoleLog === undefined ? names : { ...names, consoleLog };
  await refuseSecond(files, spec);
  await refuseFullDisk(spec);
  const emptyDisks = await makeEmptyDisks(spec, files);
  for (let attempt = 1; ; attempt++) {
    const port = spec.nics.some(({ link }) => link.kind === 'direct' && link.sshPort === 'any')
      ? await freePort()
      : undefined;
    try {
      return await start(port === undefined ? spec : withSshPort(spec, port), {
        ...options,
        host,
        files,
        scratch: [files.qmp, files.migration, files.screen, ...emptyDisks],
      });
    } catch (error) {
      signal?.throwIfAborted();
      // Between our look and QEMU's bind somebody else took the port.
      if (port === undefined || attempt === PORT_ATTEMPTS || !(await isPortTaken(port))) throw error;
    }
  }
}

interface Start extends StartOptions {
  readonly host: Host;
  readonly files: MachineFiles;
  /** What goes when the machine goes. */
  readonly scratch: readonly string[];
}

async function start(spec: MachineSpec, { host, files, scratch, signal, report = () => {} }: Start): Promise<Machine> {
  const { qemu } = host;
  if (qemu === undefined) throw new VmError('QEMU is not installed');
  const argv = argvOf(spec, qemu, files);
  // It stands still until we hear it: a guest that ends at once would be gone before.
  const paused = argvOf(spec.start === 'running' ? { ...spec, start: 'paused' } : spec, qemu, files);
  // What the guest writes is nobody else's to read, and QEMU would make it for all.
  await (await open(files.consoleLog, 'a', 0o600)).close();
  const [within] = spec.nics.flatMap(({ link }) =>
    link.kind === 'direct' && link.within !== undefined ? [link.within] : [],
  );
  const child = await startVmProgram(paused, {
    setpriv: host.tools.setpriv,
    within,
    signal,
    environment: { TMPDIR: dirname(files.qmp) },
  });
  const command = quoteCommand(argv);
  void child.exited.then(() => Promise.all(scratch.map((path) => rm(path, { force: true }))).catch(() => {}));
  try {
    child.stdin.end();
    const died = child.exited.then((exit) => {
      throw deathOf(spec, exit, { ...child.details(exit), command, consoleLog: files.consoleLog });
    });
    died.catch(() => {});
    const connected = QmpSession.connect(files.qmp, { timeoutMs: START_TIMEOUT_MS, signal }).catch(
      async (error: unknown) => {
        // When QEMU dies its socket is gone first; why it died is the better message.
        await Promise.race([died, delay(DEATH_GRACE_MS)]);
        throw error;
      },
    );
    const qmp = await Promise.race([connected, died]);
    const [sshPort] = spec.nics.flatMap(({ link }) =>
      link.kind === 'direct' && link.sshPort !== 'any' ? [link.sshPort] : [],
    );
    const machine = new Machine({ spec, files, child, qmp, command, sshPort, report });
    const onAbort = (): void => machine.expectEnd();
    signal?.addEventListener('abort', onAbort);
    void machine.exited.then(() => signal?.removeEventListener('abort', onAbort));
    if (spec.start === 'running') await machine.unlessEnded(qmp.command('cont', {}, { signal }));
    report({
      kind: 'note',
      message: `machine \`${spec.name}\` runs: process ${child.pid}, console in \`${files.consoleLog}\``,
    });
    return machine;
  } catch (error) {
    await child[Symbol.asyncDispose]();
    signal?.throwIfAborted();
    throw error;
  }
}

function withSshPort(spec: MachineSpec, sshPort: number): MachineSpec {
  return {
    ...spec,
    nics: spec.nics.map((nic) => (nic.link.kind === 'direct' ? { ...nic, link: { ...nic.link, sshPort } } : nic)),
  };
}

/** Refuses a machine of the same name in the same directory; what a dead one left is removed. */
async function refuseSecond({ qmp, migration }: MachineFiles, { name }: MachineSpec): Promise<void> {
  if (existsSync(qmp) && (await answers(qmp))) {
    throw new VmError(`a machine named \`${name}\` runs in \`${dirname(qmp)}\` already`, {
      hint: 'wait for it, or use another directory',
    });
  }
  for (const path of [qmp, migration]) await rm(path, { force: true });
}

async function answers(path: string): Promise<boolean> {
  const socket = createConnection(path);
  try {
    return await new Promise((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
  } finally {
    socket.destroy();
  }
}

/** Refuses RAM in a file that the disk has no room for: the guest would be killed at its first write too many. */
async function refuseFullDisk({ memory: { backing, sizeMiB } }: MachineSpec): Promise<void> {
  if (backing.kind !== 'file' || !backing.isShared) return;
  const { bavail, bsize } = await statfs(dirname(backing.path));
  const present = await stat(backing.path).catch(() => undefined);
  const neededBytes = sizeMiB * MIB - (present === undefined ? 0 : present.blocks * 512);
  const freeBytes = bavail * bsize;
  if (freeBytes >= neededBytes) return;
  throw new VmError(
    `no room for the RAM of the machine: ${Math.ceil(neededBytes / MIB)} MiB are needed, ${Math.floor(freeBytes / MIB)} MiB are free in \`${dirname(backing.path)}\``,
    { hint: 'make room, or give the machine less memory' },
  );
}

async function makeEmptyDisks({ disks }: MachineSpec, files: MachineFiles): Promise<string[]> {
  const paths: string[] = [];
  for (const { id, source } of disks) {
    if (source.kind !== 'empty') continue;
    const path = emptyDiskPath(files, id);
    await rm(path, { force: true });
    await using file = await open(path, 'wx', 0o600);
    await file.truncate(source.sizeMiB * MIB);
    paths.push(path);
  }
  return paths;
}
