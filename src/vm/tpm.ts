import { readFile, rm, symlink } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { exitText, stderrText } from '../io/program.ts';
import { hasCode } from '../io/system-error.ts';
import type { Host } from './base/host.ts';
import type { MachineFiles } from './base/layout.ts';
import { requireTool } from './base/require.ts';
import type { TpmSpec } from './base/spec.ts';
import { startVmProgram, VmError } from './base/vm-error.ts';

const START_TIMEOUT_MS = 10_000;
const RETRY_INTERVAL_MS = 5;

/** Time for the TPM to end after its machine before it is killed. */
const END_TIMEOUT_MS = 5000;

/** The TPM of one machine: a process that ends with the machine. */
export interface Tpm extends AsyncDisposable {
  /** Resolves with the error when the process has ended, for whatever reason; never rejects. */
  readonly ended: Promise<VmError>;
  /** Waits until the process has ended after its machine; disposing kills it at once. Its state is complete then. */
  readonly end: () => Promise<void>;
}

/** Starts the TPM of a machine that is not running yet, and waits until QEMU can connect. Throws VmError, also if
 *  `swtpm` is not installed, and the reason of the signal. */
export async function startTpm(
  host: Pick<Host, 'tools'>,
  { stateDirectory }: TpmSpec,
  {
    files,
    signal,
  }: { readonly files: Pick<MachineFiles, 'tpm' | 'tpmState' | 'tpmPid'>; readonly signal: AbortSignal | undefined },
): Promise<Tpm> {
  const program = requireTool(host, 'swtpm');
  const clear = async (): Promise<void> => {
    for (const path of [files.tpm, files.tpmState, files.tpmPid]) await rm(path, { force: true });
  };
  await clear();
  // Its options cannot contain a comma, so all names are relative.
  await symlink(stateDirectory, files.tpmState);
  const child = await startVmProgram(
    [
      program,
      'socket',
      '--tpm2',
      '--tpmstate',
      `dir=${basename(files.tpmState)},mode=0600`,
      '--ctrl',
      `type=unixio,path=${basename(files.tpm)},mode=0600`,
      '--pid',
      `file=${basename(files.tpmPid)}`,
      '--terminate',
    ],
    { signal, directory: dirname(files.tpm) },
  );
  child.stdin.end();
  child.stdout.resume();
  const ended = child.exited.then(
    (exit) =>
      new VmError(`the TPM of the machine ended (${exitText(exit)})${stderrText(child.stderrTail())}`, {
        details: child.details(exit),
      }),
  );
  const endWithin = async (timeoutMs: number): Promise<void> => {
    const timer = setTimeout(() => child.kill(), timeoutMs);
    await child.exited;
    clearTimeout(timer);
    await clear();
  };
  try {
    const died = ended.then((error) => Promise.reject(error));
    died.catch(() => {});
    await Promise.race([untilWritten(files.tpmPid, signal), died]);
  } catch (error) {
    await endWithin(0);
    signal?.throwIfAborted();
    throw error;
  }
  return { ended, end: async () => endWithin(END_TIMEOUT_MS), [Symbol.asyncDispose]: async () => endWithin(0) };
}

/** Waits until the file has content: `swtpm` writes its process number after it has begun to listen. */
async function untilWritten(path: string, signal: AbortSignal | undefined): Promise<void> {
  const untilMs = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      if (hasCode(error, 'ENOENT')) return '';
      throw error;
    });
    if (text !== '') return;
    if (performance.now() > untilMs) throw new VmError('the TPM does not start to listen');
    await delay(RETRY_INTERVAL_MS, undefined, { signal });
  }
}
