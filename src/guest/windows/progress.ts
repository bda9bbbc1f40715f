import type { InstallProgress } from '../install-progress.ts';

const MINUTE_MS = 60_000;

/** How an installation of Windows proceeds. */
export const WINDOWS_PROGRESS: InstallProgress = {
  phases: [{ name: 'firmware', timeoutMs: 120 * MINUTE_MS }],
  stallTimeoutMs: 20 * MINUTE_MS,
  restarts: { max: 6, hint: 'Windows 11 24H2 and Server 2025 reset on a processor without SSE4.2 and POPCNT' },
  reactTo: () => ({}),
};
