import { ProgramError, findProgram, runProgram } from '../../io/program.ts';

/** A network namespace that contains one machine and the programs that join it. */
export interface OwnNetwork {
  /** Command prefix that starts a program in a new namespace: for `LinkSpec`. */
  readonly begin: readonly string[];
  /** Command prefix that starts a program in the namespace of a process. */
  readonly join: (pid: number) => readonly string[];
}

const TRY_TIMEOUT_MS = 5000;

/** Tests whether machines can run in a network namespace: Linux has them, but some systems and containers forbid
 *  them. Takes 10 ms. Returns undefined if not; throws only the reason of the signal. */
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
    // Users other than root need a new user namespace, which keeps their user ids.
    ...(isRoot ? [] : ['--user', '--map-current-user', '--keep-caps']),
    '--',
    '/bin/sh',
    '-c',
    '"$0" link set lo up && exec "$@"',
    ip,
    // The network capabilities are no longer needed. A new user namespace clears the parent death signal, so it is set
    // again.
    ...(isRoot ? [] : [setpriv, '--inh-caps', '-all', '--ambient-caps', '-all', '--pdeathsig', 'KILL', '--']),
  ];
  try {
    await runProgram([...begin, '/bin/true'], { timeoutMs: TRY_TIMEOUT_MS, signal });
  } catch (error) {
    if (error instanceof ProgramError) return undefined;
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
