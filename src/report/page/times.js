/** Formats the start of an activity: `2026-11-28 18:00:00 UTC`. */
export function timeText({ startedMs }) {
  const date = new Date(startedMs);
  return Number.isNaN(date.getTime()) ? `${startedMs} ms` : `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** Formats how an activity ended. */
export function endText({ end, code, isCold }) {
  const result = end === 'done' && code !== null ? `exit code ${code}` : end;
  return isCold ? `${result}, disk booted` : result;
}

/** Returns the duration of a phase; null if an activity lacks it. */
export function phaseOf({ phases }, name) {
  return phases.find((phase) => phase.name === name)?.durationMs ?? null;
}

/** Returns the middle of some durations; null without any. */
export function medianOf(durations) {
  const sorted = durations.filter((ms) => ms !== null).sort((a, b) => a - b);
  return sorted.length === 0 ? null : sorted[Math.floor((sorted.length - 1) / 2)];
}
