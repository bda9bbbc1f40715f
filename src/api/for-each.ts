import pLimit from 'p-limit';

/** Runs a task for each item, `atOnce` at a time. Starts none after the first failure, and returns when those that run
 *  have ended. Throws the first failure, and the reason of the signal. */
export async function forEach<T>(
  items: readonly T[],
  atOnce: number,
  signal: AbortSignal | undefined,
  task: (item: T) => Promise<void>,
): Promise<void> {
  const limit = pLimit(atOnce);
  const failures: unknown[] = [];
  await Promise.all(
    items.map((item) =>
      limit(async () => {
        if (failures.length > 0 || signal?.aborted === true) return;
        await task(item).catch((error: unknown) => failures.push(error));
      }),
    ),
  );
  signal?.throwIfAborted();
  if (failures.length > 0) throw failures[0];
}
