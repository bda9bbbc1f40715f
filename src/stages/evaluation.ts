const DAY_MS = 24 * 60 * 60_000;

/** Time before the end of an evaluation from which commands warn. */
const WARNING_MS = 10 * DAY_MS;

/** Returns the date and time in UTC at which the evaluation of an installed edition ends. Pure. */
export function evaluationEnd(installedMs: number, days: number): string {
  return new Date(installedMs + days * DAY_MS).toISOString();
}

/** Returns a warning from ten days before the end of an evaluation; undefined before. Pure.
 *  @param ends `made.evaluationEnds` of a manifest
 *  @param nowMs milliseconds since 1970 */
export function evaluationWarning(ends: string | null, nowMs: number): string | undefined {
  if (ends === null || !(Date.parse(ends) - nowMs <= WARNING_MS)) return undefined;
  const verb = Date.parse(ends) > nowMs ? 'ends' : 'ended';
  return (
    `the evaluation of this Windows ${verb} on ${ends.slice(0, 10)}, and it shuts down every hour after that: ` +
    'install it again, or run it at the date of its snapshot with `--clock installed`'
  );
}
