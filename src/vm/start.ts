import { existsSync } from 'node:fs';
import { chmod, open, rm, stat, statfs } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Report } from '../events.ts';
import { argvOf } from './argv.ts';
import { quoteCommand } from '../io/quoting.ts';
import type { Host } from './base/host.ts';
import { emptyDiskPath, filesOf } from './base/layout.ts';
import type { MachineFiles } from './base/layout.ts';
import { Machine, deathOf } from './machine.ts';
import { freePort, isPortTaken } from './network/port.ts';

import { QmpSession } from './qmp/session.ts';
import { requireQemu } from './base/require.ts';
import type { MachineSpec } from './base/spec.ts';
import { startVmProgram, VmError } from './base/vm-error.ts';
import { startTpm } from './tpm.ts';

const START_TIMEOUT_MS = 30_000;
const DEATH_GRACE_MS = 1000;
const PORT_ATTEMPTS = 5;
const MIB = 1024 * 1024;

export interface StartOptions {
  /** Directory of its sockets and files: short, private, and used by one run only (see RunDirectory). */
  readonly directory: string;
  /** Path of the console log, which is appended to. Default: in `directory`. */
  readonly consoleLog?: string | undefined;
  /** Kills the machine when aborted. */
  readonly signal?: AbortSignal | undefined;
  readonly report?: Report | undefined;
}

/** Starts a machine and waits until QEMU responds; the machine is running then, unless its spec says otherwise. The
 *  caller must dispose of it. Throws VmError, and the reason of the signal. */
export async function startMachine(spec: MachineSpec, host: Host, options: StartOptions): Promise<Machine> {
  const { signal, consoleLog } = options;
  signal?.throwIfAborted();
  requireQemu(host);
  const names = filesOf(spec.name, options.directory);
  const files = consoleLog === undefined ? names : { ...names, consoleLog };
  await requireNoOther(files, spec);
  await requireMemorySpace(spec);
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
        scratch: [files.qmp, files.migration, files.vnc, files.screen, ...emptyDisks],
      });
    } catch (error) {
      signal?.throwIfAborted();
      // Another process took the port after it was found free.
      if (port === undefined || attempt === PORT_ATTEMPTS || !(await isPortTaken(port))) throw error;
    }
  }
}

interface Start extends StartOptions {
  readonly host: Host;
  readonly files: MachineFiles;
  /** Files that are removed when the machine ends. */
  readonly scratch: readonly string[];
}

async function start(spec: MachineSpec, { host, files, scratch, signal, report = () => {} }: Start): Promise<Machine> {
  const qemu = requireQemu(host);
  const argv = argvOf(spec, qemu, files);
  // Paused until QMP is connected; otherwise a guest that ends at once would be missed.
  const paused = argvOf(spec.start === 'running' ? { ...spec, start: 'paused' } : spec, qemu, files);
  // QEMU would create the log readable for everyone.
  await (await open(files.consoleLog, 'a', 0o600)).close();
  const { size: consoleStart } = await stat(files.consoleLog);
  const [within] = spec.nics.flatMap(({ link }) =>
    link.kind === 'direct' && link.within !== undefined ? [link.within] : [],
  );
  const tpm = spec.tpm === undefined ? undefined : await startTpm(host, spec.tpm, { files, signal });
  const child = await startVmProgram(paused, { within, signal, environment: { TMPDIR: dirname(files.qmp) } }).catch(
    async (error: unknown) => {
      await tpm?.[Symbol.asyncDispose]();
      throw error;
    },
  );
  const command = quoteCommand(argv);
  // Another machine of the same name may start when this one has ended; it has the same files.
  const cleaned = child.exited.then(() => Promise.allSettled(scratch.map((path) => rm(path, { force: true }))));
  try {
    child.stdin.end();
    child.stdout.resume();
    const died = child.exited.then((exit) => {
      throw deathOf(spec, exit, { ...child.details(exit), command, consoleLog: files.consoleLog });
    });
    died.catch(() => {});
    const connected = QmpSession.connect(files.qmp, { timeoutMs: START_TIMEOUT_MS, signal }).catch(
      async (error: unknown) => {
        // When QEMU dies, its socket closes first; the reason of its exit is the better message.
        await Promise.race([died, delay(DEATH_GRACE_MS)]);
        throw error;
      },
    );
    const qmp = await Promise.race([connected, died]);
    // QEMU makes the socket with the permissions of the umask.
    if (spec.graphics.kind === 'vga') await chmod(files.vnc, 0o600);
    const [sshPort] = spec.nics.flatMap(({ link }) =>
      link.kind === 'direct' && link.sshPort !== 'any' ? [link.sshPort] : [],
    );
    const machine = new Machine({ spec, files, consoleStart, child, cleaned, tpm, qmp, command, sshPort, report });
    const onAbort = (): void => machine.expectEnd();
    signal?.addEventListener('abort', onAbort);
    void machine.exited.then(() => signal?.removeEventListener('abort', onAbort));
    if (spec.start === 'running') await machine.command('cont', {}, { signal });
    report({ kind: 'machine-start', name: spec.name, pid: child.pid, consoleLog: files.consoleLog, command });
    return machine;
  } catch (error) {
    await child[Symbol.asyncDispose]();
    await cleaned;
    await tpm?.[Symbol.asyncDispose]();
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

/** Throws VmError if a machine of the same name runs in the directory; removes the sockets of a dead one. */
async function requireNoOther({ qmp, migration, vnc }: MachineFiles, { name }: MachineSpec): Promise<void> {
  if (existsSync(qmp) && (await isListening(qmp))) {
    throw new VmError(`machine \`${name}\` is already running in \`${dirname(qmp)}\``, {
      hint: 'wait until it has ended, or use another directory',
    });
  }
  for (const path of [qmp, migration, vnc]) await rm(path, { force: true });
}

async function isListening(path: string): Promise<boolean> {
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

/** Throws VmError if the disk has too little space for RAM in a file; the guest would be killed when it is full. */
async function requireMemorySpace({ memory: { backing, sizeMiB } }: MachineSpec): Promise<void> {
  if (backing.kind !== 'file' || !backing.isShared) return;
  const { bavail, bsize } = await statfs(dirname(backing.path));
  const present = await stat(backing.path).catch(() => undefined);
  const neededBytes = sizeMiB * MIB - (present === undefined ? 0 : present.blocks * 512);
  const freeBytes = bavail * bsize;
  if (freeBytes >= neededBytes) return;
  const [neededMiB, freeMiB] = [Math.ceil(neededBytes / MIB), Math.floor(freeBytes / MIB)];
  throw new VmError(
    `not enough disk space for the memory of the machine in \`${dirname(backing.path)}\`: ` +
      `${neededMiB} MiB needed, ${freeMiB} MiB free`,
    { hint: 'free some disk space, or use less memory' },
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
