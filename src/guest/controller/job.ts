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

/** A command line for the guest with the login. */
export interface Job extends Pick<SshTarget, 'user' | 'privateKey' | 'knownHosts' | 'times'> {
  readonly command: string;
}

/** One job in the job directory. */
export interface JobPlace {
  /** Directory of all jobs. */
  readonly directory: string;
  /** Sequence number, from 1. */
  readonly number: number;
  /** Path of ssh in the controller. */
  readonly ssh: string;
}

/** Passes a job to a controller, before or after it starts. The private key is in the directory with mode 0600 until
 *  the controller deletes it. Throws errors of the system. */
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
      times: job.times,
    },
    job.command,
  );
  const script = join(place, JOB_FILES.script);
  await writeFileAtomically(script, `exec ${quoteCommand(argv)}\n`);
}

export interface FollowOptions {
  readonly signal?: AbortSignal | undefined;
  /** Receives output while the command runs. */
  readonly onOutput: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void | Promise<void>;
}

/** Passes on the output of a job while it runs. Returns the exit code of ssh. Never times out: the caller detects the
 *  end of the machines. Throws GuestError `guest` for an invalid exit code, the reason of the signal, and what
 *  `onOutput` throws. */
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
    // Output that was written before the end is read after it.
    await readAll();
    if (end !== undefined) return parseCode(end);
    await delay(POLL_INTERVAL_MS, undefined, { signal });
  }
}

function parseCode(text: string): number {
  const code = /^(\d{1,3})\n$/.exec(text)?.[1];
  if (code === undefined) throw new GuestError('guest', 'invalid exit code from the controller', { details: { text } });
  return Number(code);
}
