import type { VmContext } from '../../api/vm-context.ts';
import type { RunOutcome, VmRunRequest } from '../../api/vm-run.ts';
import { CygstrapError } from '../../errors.ts';
import type { SnapshotManifest } from '../../stages/manifest.ts';
import type { RunResult } from '../../stages/run.ts';
import { EXIT_DONE, EXIT_MACHINE, EXIT_NO } from '../terminal/failure.ts';
import { LinePrefix } from '../terminal/line-prefix.ts';
import { write } from '../terminal/output.ts';
import type { Session } from '../terminal/session.ts';

interface EachWork {
  readonly context: VmContext;
  readonly snapshot: SnapshotManifest;
  /** What is common to all commands. */
  readonly request: Omit<VmRunRequest, 'argv'>;
  /** File of command lines. */
  readonly each: string;
  /** File for a report in the JUnit format. */
  readonly junit: string | undefined;
}

/** Runs each line of a file in its own machine. Returns the exit code of the worst: a failed
 *  machine, a failed command, success. Writes the JUnit report at the end, also after an interruption. */
export async function runEach(
  session: Session,
  args: { readonly json: boolean; readonly jobs: number },
  { context, snapshot, request, each, junit }: EachWork,
): Promise<number> {
  const { commandLines, exitHint, runMany, runVm } = await import('../../api/vm-run.ts');
  const { output, host } = session;
  const commands = await commandLines(each, context.report);
  const lines = commands.map(({ text }) => text);
  const requests = lines.map((line, i): VmRunRequest => ({
    ...request,
    argv: ['/bin/sh', '-c', line],
    ...(request.output !== undefined && { output: `${request.output}/${i + 1}` }),
  }));
  const { SCHEMA, failureJson } = await import('../../report/json.ts');
  let exit: number = EXIT_DONE;
  const junitReport =
    junit === undefined ? undefined : new (await import('../../api/vm-run-junit.ts')).JunitReport(junit, each, lines);
  // A file that cannot be written fails before the first machine starts.
  await junitReport?.save();
  const run = async (each: VmRunRequest, number: number): Promise<RunResult> => {
    const prefixes = { stdout: new LinePrefix(`[${number}] `), stderr: new LinePrefix(`[${number}] `) };
    const streams = { stdout: args.json ? host.stderr : host.stdout, stderr: host.stderr };
    junitReport?.start(number);
    try {
      return await runVm(each, {
        ...context,
        snapshot,
        onOutput: (stream, chunk) => {
          junitReport?.addOutput(number, stream, chunk);
          return write(streams[stream], prefixes[stream].push(chunk));
        },
      });
    } finally {
      for (const stream of ['stdout', 'stderr'] as const) await write(streams[stream], prefixes[stream].end());
    }
  };
  const onOutcome = async (outcome: RunOutcome): Promise<void> => {
    // One interruption is reported once, not for each machine.
    if (context.signal.aborted) return;
    junitReport?.end(outcome);
    const { number } = outcome;
    const { text: line = '', number: lineNumber } = commands[number - 1] ?? {};
    if ('error' in outcome) {
      const { error } = outcome;
      if (!(error instanceof CygstrapError)) throw error;
      exit = EXIT_MACHINE;
      if (args.json) await output.json({ ...failureJson(error), number, line, lineNumber }, 'line');
      else output.note('error', `[${number}] ${each}:${lineNumber}: ${error.message}`);
    } else {
      const { code } = outcome.result;
      if (code !== 0 && exit === EXIT_DONE) exit = EXIT_NO;
      if (args.json)
        await output.json(
          { schema: SCHEMA, number, line, lineNumber, snapshot: snapshot.key, ...outcome.result },
          'line',
        );
      else {
        output.note('note', `[${number}] exit code ${code}: ${line}`);
        const hint = exitHint(outcome.result, snapshot);
        if (hint !== undefined) output.note('hint', `[${number}] ${hint}`);
      }
    }
  };
  try {
    await runMany(requests, { jobs: args.jobs, run, onOutcome });
  } finally {
    await junitReport?.save();
  }
  context.signal.throwIfAborted();
  return exit;
}
