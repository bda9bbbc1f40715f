import { mkdir, rm } from 'node:fs/promises';
import { CygstrapError } from '../errors.ts';
import type { Event } from '../events.ts';
import type { GuestKind } from '../guest/kind.ts';
import { writeFileAtomically } from '../io/atomic-file.ts';
import type { Host } from '../vm/base/host.ts';
import type { StageContext } from './context.ts';
import { logPaths } from './layout.ts';
import type { StageUse } from './stage-store.ts';

const FAILURE_SCHEMA = 1;

/** Record of a stage that failed, as JSON for users who look for the cause. */
interface FailureRecord extends StageUse {
  readonly schema: typeof FAILURE_SCHEMA;
  readonly guest: string;
  /** Version of cygstrap. */
  readonly version: string;
  /** Version of QEMU. */
  readonly qemu: string | null;
  /** Milliseconds since 1970. */
  readonly startedMs: number;
  readonly error: { readonly code: string; readonly message: string; readonly hint: string | null };
  /** Command lines of the machines, in the order of their start. */
  readonly commands: readonly string[];
  /** Steps and warnings, with milliseconds since the start. */
  readonly steps: readonly { readonly atMs: number; readonly text: string }[];
}

/** What a record needs of the context of its stage. */
export interface RecordedContext extends Pick<StageContext, 'places' | 'version' | 'report'> {
  readonly host: Pick<Host, 'qemu'>;
  readonly guest: Pick<GuestKind, 'name'>;
}

/** Calls `make` with a context that records steps and machines. If it fails or is interrupted, writes the record
 *  beside the console log. A record that cannot be written does not hide the failure. Throws what `make` throws. */
export async function recordFailure<C extends RecordedContext, T>(
  context: C,
  { stage, key }: StageUse,
  make: (context: C) => Promise<T>,
): Promise<T> {
  const { places, host, guest, version, report } = context;
  const paths = logPaths(places, stage, key);
  const startedMs = Date.now();
  const startMs = performance.now();
  const commands: string[] = [];
  const steps: { atMs: number; text: string }[] = [];
  const onEvent = (event: Event): void => {
    if (event.kind === 'machine-start') commands.push(event.command);
    const text = event.kind === 'stage-step' ? event.text : event.kind === 'warning' ? event.message : undefined;
    if (text !== undefined) steps.push({ atMs: Math.round(performance.now() - startMs), text });
    report(event);
  };
  await Promise.all(
    [paths.failure, paths.report, paths.setup].map((path) => rm(path, { recursive: true, force: true })),
  );
  try {
    return await make({ ...context, report: onEvent });
  } catch (error) {
    const isExpected = error instanceof CygstrapError;
    const record: FailureRecord = {
      schema: FAILURE_SCHEMA,
      stage,
      key,
      guest: guest.name,
      version,
      qemu: host.qemu?.version ?? null,
      startedMs,
      error: {
        code: isExpected ? error.code : 'unknown',
        message: error instanceof Error ? error.message : String(error),
        hint: (isExpected ? error.hint : undefined) ?? null,
      },
      commands,
      steps,
    };
    try {
      await mkdir(places.logs, { recursive: true, mode: 0o700 });
      await writeFileAtomically(paths.failure, `${JSON.stringify(record, undefined, 2)}\n`, { mode: 0o600 });
    } catch {
      // The failure itself is what matters.
    }
    throw error;
  }
}
