import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Bench, CommandOptions, RunningCommand } from '../stages/support.ts';
import { PROGRAMS } from '../stages/support.ts';
import { makeCounterfeitIso, REHEARSAL_PROGRAMS } from './medium.ts';
import type { CounterfeitOptions } from './medium.ts';
import { makeRelease } from './release.ts';

/** Programs of the host that an installation of the counterfeit needs. */
export const INSTALL_PROGRAMS = [...new Set([...PROGRAMS, ...REHEARSAL_PROGRAMS])];

/** Makes a counterfeit medium in a directory of a bench. Returns its path. */
export async function mediumOf(bench: Bench, options: Omit<CounterfeitOptions, 'directory'> = {}): Promise<string> {
  return makeCounterfeitIso({ directory: await mkdtemp(join(bench.path, 'iso-')), ...options });
}

type CounterfeitKind = NonNullable<CounterfeitOptions['kind']>;

/** A repo with its lock, and the options of `vm install` that it needs besides. */
interface Packages {
  readonly repo: string;
  readonly lock: string;
  readonly words: readonly string[];
}

/** Those of a bench, made once. */
const PACKAGES = new WeakMap<Bench, Map<string, Promise<Packages>>>();

/** Returns the repo of a bench with what guests need, of a made-up release of Cygwin. */
async function packagesOf(bench: Bench, kind: CounterfeitKind): Promise<Packages> {
  const made = PACKAGES.get(bench) ?? new Map<string, Promise<Packages>>();
  PACKAGES.set(bench, made);
  const arch = kind === 'windows-xp' ? 'x86' : 'x86_64';
  const isOld = kind === 'windows-xp' || kind === 'windows-7';
  const packages = made.get(`${arch} ${isOld}`) ?? makePackages(bench, arch, isOld);
  made.set(`${arch} ${isOld}`, packages);
  return packages;
}

/** The current setup program does not run on an old Windows, so that the user has to name another. */
async function makePackages(bench: Bench, arch: 'x86' | 'x86_64', isOld: boolean): Promise<Packages> {
  const directory = await mkdtemp(join(bench.path, 'packages-'));
  const { site, keyring } = await makeRelease(directory, arch);
  const [repo, lock] = [join(directory, 'repo'), join(directory, 'lock.json')];
  const own = ['--site', site, '--keyring', keyring, '--repo', repo, '--lock', lock, '--arch', arch];
  const installer = isOld ? [] : ['--installer', '--installer-site', site];
  const words = ['fetch', 'gcc-core', 'make', 'openssh', ...own, ...installer];
  const { exit, stderr } = await bench.start(words).ended;
  expect(exit, stderr).toBe(0);
  const program = `setup-${arch}.exe`;
  const add = isOld ? ['--add', `${join(site, program)}=${program}`] : [];
  return { repo, lock, words: ['--keyring', keyring, ...add] };
}

/** Starts `vm install` from a counterfeit medium, with a small machine. */
export async function startInstall(
  bench: Bench,
  iso: string,
  words: readonly string[],
  { kind, ...options }: CommandOptions & { readonly kind?: CounterfeitKind } = {},
): Promise<RunningCommand> {
  return bench.startVm(['vm', 'install', '--iso', iso, ...(await machineWords(bench, kind)), ...words], options);
}

/** Returns the options for a small machine with the packages of {@link packagesOf}. */
export async function machineWords(bench: Bench, kind: CounterfeitKind = 'windows-2022'): Promise<string[]> {
  const { repo, lock, words } = await packagesOf(bench, kind);
  return ['--repo', repo, '--lock', lock, '--memory', '1G', '--disk', '32G', ...words];
}

/** Installs from a counterfeit medium, which must fail: nothing is published, and nothing is left running. Returns what
 *  the command prints on stderr. */
export async function failedInstall(
  bench: Bench,
  medium: Omit<CounterfeitOptions, 'directory'>,
  words: readonly string[],
): Promise<string> {
  const iso = await mediumOf(bench, medium);
  const before = bench.stages().install;
  const { exit, stdout, stderr } = await (await startInstall(bench, iso, words)).ended;
  await rm(iso);
  expect([exit, stdout], stderr).toEqual([3, '']);
  expect(bench.stages().install).toEqual(before);
  await bench.expectNoTraces();
  return stderr;
}

/** Returns the files that a message names in backticks, by the ends of their names. */
export function namedFiles(message: string): Readonly<Record<string, Buffer>> {
  const paths = [...message.matchAll(/`(\/[^`]*)`/g)].map(([, path = '']) => path);
  return Object.fromEntries(paths.map((path) => [path.replace(/.*\./, ''), readFileSync(path)]));
}
