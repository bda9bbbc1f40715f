import { findProgram, runProgram } from '../../io/program.ts';
import { VmError } from '../vm-error.ts';

/** A network with nothing in it but a machine, and programs that were sent into it. */
export interface OwnNetwork {
  /** Words before the command line of a program that begins one: for `LinkSpec`. */
  readonly begin: readonly string[];
  /** Words before the command line of a program that is to be in the one of a process. */
  readonly join: (pid: number) => readonly string[];
}

const TRY_TIMEOUT_MS = 5000;

/** Finds out, by trying, whether we may give a machine a network of its own: Linux has that, but not every computer and container lets
 *  everybody have it. Takes 10 ms. Undefined where not; throws only the reason of the signal. */
export async function findOwnNetwork(
  environment: Readonly<Record<string, string | undefined>>,
  signal?: AbortSignal,
): Promise<OwnNetwork | undefined> {
  const [unshare, nsenter, ip, setpriv] = await Promise.all(
    ['unshare', 'nsenter', 'ip', 'setpriv'].map((name) => findProgram(name, environment)),
  );
  if (unshare === undefined || nsenter === undefined || ip === undefined || setpriv === undefined) return undefined;
  const isRoot = process.getuid?.() === 0;
  const begin = [
    unshare,
    '--net',
    // Who is not root may do that as the owner of new user ids, which are the old ones.
    ...(isRoot ? [] : ['--user', '--map-current-user', '--keep-caps']),
    '--',
    '/bin/sh',
    '-c',
    '"$0" link set lo up && exec "$@"',
    ip,
    // The rights over the network have done their work; and to end when we do is forgotten where user ids are new.
    ...(isRoot ? [] : [setpriv, '--inh-caps', '-all', '--ambient-caps', '-all', '--pdeathsig', 'KILL', '--']),
  ];
  try {
    await runProgram([...begin, '/bin/true'], { setpriv: undefined, timeoutMs: TRY_TIMEOUT_MS, signal });
  } catch (error) {
    if (error instanceof VmError) return undefined;
    throw error;
  }
  return {
    begin,
    join: (pid) => [
      nsenter,
      '--target',
      `${pid}`,
      '--net',
      ...(isRoot ? [] : ['--user', '--preserve-credentials']),
      '--',
    ],
  };
}
