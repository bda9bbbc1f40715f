import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { verifyFiles } from '../../../src/guest/cygwin/verify.ts';
import { CYGCHECK } from '../../../src/guest/stand-in/records.ts';

/** A package of an installation: its files, without directories, relative to the root. */
export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  readonly files: readonly string[];
}

export const PACKAGES: readonly InstalledPackage[] = [
  { name: '_autorebase', version: '001091-1', files: ['etc/postinstall/0p_000_autorebase.dash'] },
  { name: 'bash', version: '5.2.21-1', files: ['usr/bin/bash.exe', 'etc/postinstall/bash.sh'] },
  { name: 'ca-certificates', version: '2024.2.68_v8.0.302-1', files: ['etc/postinstall/ca-certificates.sh'] },
  { name: 'gcc-g++', version: '13.4.0-1', files: ['usr/bin/g++.exe'] },
  { name: 'libstdc++6', version: '13.4.0-1', files: ['usr/bin/cygstdc++-6.dll'] },
  { name: 'libxml2', version: '2.12.7+dfsg-1', files: ['usr/bin/cygxml2-2.dll'] },
  { name: 'python3', version: '3.9.18-1', files: [] },
];

const ARCHIVES = String.raw`file://E:\repo/x86_64/release`;
const ROOT = String.raw`C:\cygwin64`;

/** Returns the lines of a log of setup, without times. A number is the exit code of a script. */
export function setupLog(packages: readonly InstalledPackage[] = PACKAGES): string[] {
  const scripts = packages.flatMap(({ files }) => files.filter((path) => path.startsWith('etc/postinstall/')));
  return [
    'Starting cygwin install, version 2.937',
    'User has backup/restore/create symlink rights',
    String.raw`Current Directory: C:\cygstrap`,
    'io_stream_cygfile: fopen(/etc/setup/setup.rc) failed 2 No such file or directory',
    `root: ${ROOT} system`,
    'net: Preconfig',
    `solving: ${packages.length} tasks, update: no, use test packages: no`,
    'Augmented Transaction List:',
    ...packages.map(({ name, version }, i) => `   ${i} install ${name} ${version}`),
    ...packages.flatMap(({ name, version, files }) => [
      `Extracting from ${ARCHIVES}/${name}/${name}-${version}.tar.zst`,
      ...files.map((path) => `Installing file cygfile:///${path}`),
    ]),
    'Changing gid back to original',
    ...scripts.map((path) =>
      path.endsWith('.dash')
        ? String.raw`running: ${ROOT}\bin\dash.exe "/${path}"`
        : String.raw`running: ${ROOT}\bin\bash.exe --norc --noprofile "/${path}"`,
    ),
    'Changing gid to Administrators',
    'Ending cygwin install',
  ];
}

/** Returns the log with lines after the first line that contains `place`. */
export function withLines(place: string, lines: readonly string[], log: readonly string[] = setupLog()): string[] {
  const at = log.findIndex((line) => line.includes(place));
  if (at < 0) throw new Error(`the log has no line with ${place}`);
  return [...log.slice(0, at + 1), ...lines, ...log.slice(at + 1)];
}

export interface InstallationOptions {
  /** Default: the packages of {@link PACKAGES}. */
  readonly locked?: readonly InstalledPackage[];
  readonly packages?: readonly InstalledPackage[];
  readonly log?: readonly string[] | undefined;
  /** Whether the lines of the log begin with a time and end with CR and LF, as those of setup do. */
  readonly isStamped?: boolean;
}

/** Makes the tree that setup leaves, in `directory/root`, and the files of the medium in `directory/medium`. */
export async function makeInstallation(
  directory: string,
  { locked = PACKAGES, packages = PACKAGES, log = setupLog(packages), isStamped = true }: InstallationOptions = {},
): Promise<void> {
  await rm(directory, { recursive: true, force: true });
  const write = async (path: string, content: string | Uint8Array, mode = 0o644): Promise<void> => {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), content, { mode });
  };
  for (const [name, text] of verifyFiles(locked)) await write(`medium/${name}`, text);
  await write(
    'root/etc/setup/installed.db',
    `INSTALLED.DB 3\n${packages.map(({ name, version }) => `${name} ${name}-${version}.tar.bz2 1\n`).join('')}`,
  );
  for (const { name, files } of packages) {
    if (files.length > 0) {
      const directories = new Set(files.map((path) => `${dirname(path)}/`));
      await write(`root/etc/setup/${name}.lst.gz`, gzipSync([...directories, ...files, ''].join('\n')));
    }
    for (const path of files)
      await write(`root/${path}${/postinstall\/(?![0z]p_)/.test(path) ? '.done' : ''}`, 'content\n');
  }
  if (log.length > 0) {
    const text = log.map((line) => (isStamped ? `2026/11/28 10:00:00 ${line}\r\n` : `${line}\n`)).join('');
    await write('root/var/log/setup.log.full', text);
  }
  await write('root/bin/cygcheck', CYGCHECK, 0o755);
}
