import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
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

/** A repo and its lock. */
export interface Packages {
  readonly repo: string;
  readonly lock: string;
}

/** Makes a repo without Cygwin itself, which every version of Windows can have. */
export async function anyPackages(bench: Bench, arch: 'x86' | 'x86_64'): Promise<Packages> {
  const directory = await mkdtemp(join(bench.path, 'packages-'));
  const [repo, lock, site] = ['repo', 'lock.json', 'site'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  const archive = `${arch}/release/tool/tool-1-1.tar.xz`;
  const digest = createHash('sha512').update('tool').digest('hex');
  mkdirSync(join(site, archive, '..'), { recursive: true });
  writeFileSync(join(site, archive), 'tool');
  writeFileSync(
    join(site, arch, 'setup.ini'),
    `release: made\narch: ${arch}\nsetup-timestamp: 1700000000\n\n@ tool\nsdesc: "made up"\ncategory: Utils\n` +
      `version: 1-1\ninstall: ${archive} 4 ${digest}\n`,
  );
  for (const words of [
    ['lock', 'tool', '--arch', arch, '--out', lock],
    ['fetch', '--lock', lock, '--repo', repo],
  ]) {
    const { exit, stderr } = await bench.start([...words, '--site', site, '--unsigned']).ended;
    expect(exit, stderr).toBe(0);
  }
  return { repo, lock };
}

/** Starts `vm install` from a counterfeit medium, with a small machine. */
export function startInstall(
  bench: Bench,
  iso: string,
  words: readonly string[],
  { repo, lock, ...options }: CommandOptions & Partial<Packages> = {},
): RunningCommand {
  const own = ['--repo', repo ?? bench.repo, '--lock', lock ?? bench.lock, '--memory', '1G', '--disk', '32G'];
  return bench.startVm(['vm', 'install', '--iso', iso, ...own, ...words], options);
}

/** Installs from a counterfeit medium, which must fail: nothing is published, and nothing is left running. Returns what
 *  the command prints on stderr. */
export async function failedInstall(
  bench: Bench,
  medium: Omit<CounterfeitOptions, 'directory'>,
  words: readonly string[],
): Promise<string> {
  const iso = await mediumOf(bench, medium);
  const { exit, stdout, stderr } = await startInstall(bench, iso, words).ended;
  await rm(iso);
  expect([exit, stdout], stderr).toEqual([3, '']);
  expect(bench.stages().install).toEqual([]);
  await bench.expectNoTraces();
  return stderr;
}

/** Returns the files that a message names in backticks, by the ends of their names. */
export function namedFiles(message: string): Readonly<Record<string, Buffer>> {
  const paths = [...message.matchAll(/`(\/[^`]*)`/g)].map(([, path = '']) => path);
  return Object.fromEntries(paths.map((path) => [path.replace(/.*\./, ''), readFileSync(path)]));
}
