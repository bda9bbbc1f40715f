import { copyFile, mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { writeFileAtomically } from '../../io/atomic-file.ts';
import { GUEST_ADDRESS, SSH_PORT } from '../../vm/network/addresses.ts';
import { GuestError } from '../guest-error.ts';
import { quoteCommand } from '../../io/quoting.ts';
import { sshArgv } from '../ssh.ts';
import type { SshTarget } from '../ssh.ts';
import { CONTROLLER_PLACES, JOB_FILES } from './init.ts';

const POLL_INTERVAL_MS = 15;
const CHUNK_BYTES = 64 * 1024;

/** A command line for the guest, and who may log in there. */
export interface Job extends Pick<SshTarget, 'user' | 'privateKey' | 'knownHosts'> {
  readonly command: string;
}

/** One job in the directory of jobs. */
export interface JobPlace {
  /** Of all jobs. */
  readonly directory: string;
  /** From 1, one after the other. */
  readonly number: number;
  /** Path of ssh in the controller. */
  readonly ssh: string;
}

/** Hands a job to a controller, now or before it runs. The private key is in the directory, for us alone to read, until the controller
 *  has taken it out. Throws errors of the system. */
export async function putJob({ directory, number, ssh }: JobPlace, job: Job): Promise<void> {
  const place = join(directory, `${number}`);
  const inController = (name: string): string => `${CONTROLLER_PLACES.jobs}/${number}/${name}`;
  await mkdir(place, { mode: 0o700 });
  const key = await open(join(place, JOB_FILES.key), 'wx', 0o600);
  try {
    await key.writeFile(await readFile(job.privateKey));
  } finally {
    await key.close();
  }
  await copyFile(job.knownHosts, join(place, JOB_FILES.knownHosts));
  await Promise.all([JOB_FILES.stdout, JOB_FILES.stderr].map((name) => writeFile(join(place, name), '')));
  const argv = sshArgv(
    {
      ssh,
      address: GUEST_ADDRESS,
      port: SSH_PORT,
      user: job.user,
      privateKey: CONTROLLER_PLACES.key,
      knownHosts: inController(JOB_FILES.knownHosts),
    },
    job.command,
  );
  const script = join(place, JOB_FILES.script);
  await writeFileAtomically(script, `exec ${quoteCommand(argv)}\n`);
}

export interface FollowOptions {
  readonly signal?: AbortSignal | undefined;
  /** Takes output as it comes. */
  readonly onOutput: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void | Promise<void>;
}

/** Hands on what a job writes while it runs, and gives the code that ssh ended with. Waits without end: it is the caller who knows whether
 *  the machines still run. Throws GuestError `guest` for a code that is none, the signal's reason, and what `onOutput` throws. */
export async function followJob(
  { directory, number }: Pick<JobPlace, 'directory' | 'number'>,
  { signal, onOutput }: FollowOptions,
): Promise<number> {
  const place = join(directory, `${number}`);
  await using stdout = await open(join(place, JOB_FILES.stdout), 'r');
  await using stderr = await open(join(place, JOB_FILES.stderr), 'r');
  const readAll = async (): Promise<void> => {
    for (const [name, file] of [
      ['stdout', stdout],
      ['stderr', stderr],
    ] as const) {
      for (;;) {
        const { bytesRead, buffer } = await file.read(new Uint8Array(CHUNK_BYTES), 0, CHUNK_BYTES, null);
        if (bytesRead === 0) break;
        await onOutput(name, buffer.subarray(0, bytesRead));
      }
    }
  };
  for (;;) {
    signal?.throwIfAborted();
    const end = await readFile(join(place, JOB_FILES.exit), 'utf8').catch(() => undefined);
    // What was written before the end is read after it was seen.
    await readAll();
    if (end !== undefined) return parseCode(end);
    await delay(POLL_INTERVAL_MS, undefined, { signal });
  }
}

function parseCode(text: string): number {
  const code = /^(\d{1,3})\n$/.exec(text)?.[1];
  if (code === undefined) throw new GuestError('guest', 'the controller gave no exit code', { details: { text } });
  return Number(code);
}
