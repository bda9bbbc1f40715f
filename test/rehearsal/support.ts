import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bench, CommandOptions, RunningCommand } from '../stages/support.ts';
import { PROGRAMS } from '../stages/support.ts';
import { makeCounterfeitIso, REHEARSAL_PROGRAMS } from './medium.ts';
import type { CounterfeitOptions } from './medium.ts';

/** Programs of the host that an installation of the counterfeit needs. */
export const INSTALL_PROGRAMS = [...new Set([...PROGRAMS, ...REHEARSAL_PROGRAMS])];

/** Makes a counterfeit medium in a directory of a bench. Returns its path. */
export async function mediumOf(bench: Bench, options: Omit<CounterfeitOptions, 'directory'> = {}): Promise<string> {
  return makeCounterfeitIso({ directory: await mkdtemp(join(bench.path, 'iso-')), ...options });
}

/** Starts `vm install` from a counterfeit medium, with a small machine. */
export function startInstall(
  bench: Bench,
  iso: string,
  words: readonly string[],
  options?: CommandOptions,
): RunningCommand {
  const own = ['--repo', bench.repo, '--lock', bench.lock, '--memory', '1G', '--disk', '32G'];
  return bench.startVm(['vm', 'install', '--iso', iso, ...own, ...words], options);
}
