import { CygstrapError } from '../errors.ts';
import type { StageContext } from './context.ts';
import { recordFailure } from './failure-record.ts';
import type { RecordedContext } from './failure-record.ts';
import type { StageName } from './layout.ts';
import type { Manifest } from './manifest.ts';
import { findStage, withStageLock } from './stage-store.ts';
import { phasesOf, recordTimes } from './times.ts';

type ManifestOf<S extends StageName> = Extract<Manifest, { stage: S }>;

/** Returns the published stage with this key, or makes it while holding its lock. Reports a damaged stage and makes it
 *  again. Records a failure, see {@link recordFailure}, and the times. Throws `io`, the reason of the signal, and what
 *  `make` throws. */
export async function reuseOrMake<C extends RecordedContext & Pick<StageContext, 'signal'>, S extends StageName>(
  context: C,
  { stage, key }: { readonly stage: S; readonly key: string },
  make: (context: C) => Promise<ManifestOf<S>>,
): Promise<ManifestOf<S>> {
  const { places, report, signal } = context;
  let isDamageReported = false;
  const published = async (): Promise<ManifestOf<S> | undefined> => {
    try {
      const found = await findStage(places, { stage, key });
      if (found !== undefined) report({ kind: 'stage-reused', stage, key });
      return found as ManifestOf<S> | undefined;
    } catch (error) {
      if (!(error instanceof CygstrapError)) throw error;
      if (!isDamageReported) report({ kind: 'warning', message: `the ${stage} stage is made again: ${error.message}` });
      isDamageReported = true;
      return undefined;
    }
  };
  const onWait = (pid: number | undefined): void => {
    const holder = pid === undefined ? 'another process' : `process ${pid}`;
    report({ kind: 'warning', message: `waiting for ${holder}, which makes the same ${stage} stage` });
  };
  return (
    (await published()) ??
    withStageLock(
      places,
      { stage, key },
      { signal, onWait },
      async () =>
        (await published()) ??
        recordTimes(context, { activity: stage, key }, async (stopwatch) =>
          recordFailure({ ...context, report: phasesOf(stopwatch, report) }, { stage, key }, make),
        ),
    )
  );
}
