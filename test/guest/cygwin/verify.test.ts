import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseMarker } from '../../../src/guest/console-markers.ts';
import { programOf } from '../../rehearsal/program.ts';
import { describeWith } from '../../support/qemu.ts';
import { PACKAGES, makeInstallation, setupLog, withLines } from './installation.ts';
import type { InstallationOptions, InstalledPackage } from './installation.ts';

const directory = mkdtempSync(join(tmpdir(), 'cygstrap-verify-'));
const tree = join(directory, 'tree');
const root = join(tree, 'root');
const consoleFile = join(directory, 'console.txt');
afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface Case extends InstallationOptions {
  readonly title: string;
  /** Changes the tree. */
  readonly change?: () => void;
  /** The markers `finding` without their first word, sorted. */
  readonly findings: readonly string[];
  /** Number of packages that are compared; by default all of the lock. */
  readonly compared?: number;
}

const without = (name: string): InstalledPackage[] => PACKAGES.filter((each) => each.name !== name);
const withVersion = (name: string, version: string): InstalledPackage[] =>
  PACKAGES.map((each) => (each.name === name ? { ...each, version } : each));
const inRoot = (path: string): string => join(root, path);
const failsScript = (name: string): void =>
  renameSync(inRoot(`etc/postinstall/${name}.done`), inRoot(`etc/postinstall/${name}`));
const inLog = (lines: readonly string[]): string[] =>
  withLines('Extracting from file://E:\\repo/x86_64/release/bash', lines);

const IN_USE = [
  String.raw`Scheduled reboot replacement of file C:\cygwin64/usr/bin/bash.exe with C:\cygwin64/usr/bin/bash.exe.new`,
];
const REBOOT = 'In-use files have been replaced. You need to reboot as soon as possible to activate the new versions.';
const REBOOT_GERMAN = 'In Benutzung befindliche Dateien wurden ersetzt. Sie müssen so bald wie möglich neu starten.';
const ANSWERED = 'unattended_mode is set at mbox: returning default value';
/** A log of setup with exit code 118. */
const restarting = (message: string): string[] =>
  withLines(
    'Changing gid to Administrators',
    [`note: ${REBOOT}`],
    withLines('Installing file cygfile:///usr/bin/cygxml2-2.dll', [`mbox note: ${message}`, ANSWERED], inLog(IN_USE)),
  );

const CASES: readonly Case[] = [
  { title: 'everything is installed', findings: [] },
  { title: 'everything is installed, and the log has no times', isStamped: false, findings: [] },
  {
    title: 'one package is missing',
    packages: without('gcc-g++'),
    findings: ['missing gcc-g++ lock: 13.4.0-1; not installed'],
  },
  {
    title: 'one package is older, one is not in the lock',
    packages: [...withVersion('libstdc++6', '12.4.0-3'), { name: 'nano', version: '8.0-1', files: [] }],
    findings: [
      'extra nano installed: 8.0-1; the lock does not have it',
      'version libstdc++6 lock: 13.4.0-1; installed: 12.4.0-3',
    ],
  },
  {
    title: 'setup recorded nothing',
    change: () => unlinkSync(inRoot('etc/setup/installed.db')),
    findings: ['check installed.db setup recorded no packages: the file is missing or empty'],
    compared: 0,
  },
  {
    title: 'the records are damaged',
    change: () => writeFileSync(inRoot('etc/setup/installed.db'), 'INSTALLED.DB 4\r\nbash bash-5.2.21-1.tar.zst 1\r\n'),
    packages: PACKAGES.slice(0, 2),
    locked: PACKAGES.slice(0, 1),
    findings: [
      'check installed.db line 2 is damaged: bash bash-5.2.21-1.tar.zst 1',
      'check installed.db unknown format: INSTALLED.DB 4',
      'missing _autorebase lock: 001091-1; not installed',
    ],
  },
  {
    title: 'the list of the medium is cut',
    change: () => truncateSync(join(tree, 'medium/locked')),
    findings: ['check locked the list of locked packages is missing or empty'],
    compared: 0,
  },
  {
    title: 'a postinstall script failed',
    log: withLines('ca-certificates.sh"', [
      "Can't open /etc/pki for reading",
      'p11-kit: failed',
      'abnormal exit: exit code=1',
    ]),
    change: () => failsScript('ca-certificates.sh'),
    findings: ['postinstall ca-certificates ca-certificates.sh: exit code 1'],
  },
  {
    title: 'a script that always runs crashed, and setup lists it',
    log: withLines(
      'Changing gid to Administrators',
      ['Package: 0/Perpetual', '\t0p_000_autorebase.dash exit code -1073741819'],
      withLines('0p_000_autorebase.dash"', ['abnormal exit: exit code=-1073741819']),
    ),
    findings: ['postinstall _autorebase 0p_000_autorebase.dash: exit code -1073741819'],
  },
  {
    title: 'setup names the package of a script',
    log: withLines('Changing gid to Administrators', ['Package: z/man-db', '\tzr_man.sh exit code 3']),
    findings: ['postinstall man-db zr_man.sh: exit code 3'],
  },
  {
    title: 'setup did not run two scripts',
    log: withLines('Changing gid back', [String.raw`can't run /etc/postinstall/texmf.sh: No such file`]),
    change: () => failsScript('bash.sh'),
    findings: [
      'postinstall bash bash.sh: setup did not run the script, or it failed',
      'postinstall texmf.sh texmf.sh: setup did not find the script',
    ],
  },
  {
    title: 'setup was killed before it wrote its log',
    log: [],
    findings: [`log no-log ${inRoot('var/log/setup.log.full')} is missing or empty`],
  },
  {
    title: 'setup was killed',
    log: setupLog().slice(0, 12),
    findings: ['log no-end last line:    3 install gcc-g++ 13.4.0-1'],
  },
  {
    title: 'the installation is incomplete, in German',
    log: withLines(
      'Changing gid to Administrators',
      ['note: Installation incomplete.  Check C:\\cygwin64\\var\\log\\setup.log.full for details'],
      inLog([
        'mbox note: Datei „C:\\x“ kann nicht gelesen werden: No such file',
        ANSWERED,
        'mbox yesno: Möchten Sie fortfahren?',
        ANSWERED,
      ]),
    ),
    findings: [
      'log incomplete note: Installation incomplete.  Check C:\\cygwin64\\var\\log\\setup.log.full for details',
      'log question mbox note: Datei ???C:\\x??? kann nicht gelesen werden: No such file',
      'log question mbox yesno: M??chten Sie fortfahren?',
    ],
  },
  { title: 'exit code 118, and Windows has restarted', log: restarting(REBOOT), findings: [] },
  { title: 'exit code 118 in German, and Windows has restarted', log: restarting(REBOOT_GERMAN), findings: [] },
  {
    title: 'exit code 118, and the file is not yet replaced',
    log: restarting(REBOOT_GERMAN),
    change: () => writeFileSync(inRoot('usr/bin/bash.exe.new'), 'new'),
    findings: ['log not-replaced /usr/bin/bash.exe.new'],
  },
  {
    title: 'a file in use is kept',
    log: inLog(['Not replacing in-use file cygfile:///usr/bin/bash.exe']),
    findings: ['log file-in-use Not replacing in-use file cygfile:///usr/bin/bash.exe'],
  },
  {
    title: 'a program and a library have no content',
    change: () => ['usr/bin/bash.exe', 'usr/bin/cygxml2-2.dll'].forEach((path) => truncateSync(inRoot(path))),
    findings: ['empty /bin/bash.exe the file has no content', 'empty /bin/cygxml2-2.dll the file has no content'],
  },
  {
    title: 'files of a package are gone',
    packages: PACKAGES.map((each) =>
      each.name === 'libxml2'
        ? { ...each, files: [...each.files, 'usr/bin/xmllint.exe', 'usr/bin/xmlcatalog.exe'] }
        : each,
    ),
    change: () => ['xmllint.exe', 'xmlcatalog.exe'].forEach((name) => unlinkSync(inRoot(`usr/bin/${name}`))),
    findings: ['incomplete libxml2 Missing file: /usr/bin/xmllint.exe; and 1 more'],
  },
  {
    title: 'cygcheck does not run',
    change: () => writeFileSync(inRoot('bin/cygcheck'), '#!/bin/sh\necho "cygcheck: fault 0xC0000005"\nexit 53\n'),
    findings: [
      'check cygcheck no status of 7 of 7 packages, of _autorebase first; it printed: cygcheck: fault 0xC0000005',
    ],
  },
];

/** Runs the script as the guest does, and returns the lines of the console. */
function verify(shell: readonly string[], awk: string): string[] {
  rmSync(consoleFile, { force: true });
  const [program = '', ...words] = shell;
  const { status, stderr, stdout } = spawnSync(
    program,
    [...words, join(tree, 'medium/verify.sh'), join(tree, 'medium'), consoleFile, root],
    { encoding: 'utf8', env: { PATH: `${join(directory, awk)}:/usr/bin:/bin`, LANG: 'C.UTF-8' } },
  );
  expect({ status, stderr, stdout }).toEqual({ status: 0, stderr: '', stdout: '' });
  return readFileSync(consoleFile, 'utf8').split('\n').slice(0, -1);
}

describe.each([
  { shell: ['bash'], awk: 'gawk' },
  { shell: ['bash', '--posix'], awk: 'mawk' },
  { shell: ['dash'], awk: 'gawk' },
  { shell: ['busybox', 'sh'], awk: 'busybox' },
])('in $shell with $awk', ({ shell, awk }) => {
  describeWith([...shell.slice(0, 1), awk], 'the verdict', () => {
    beforeAll(async () => {
      rmSync(join(directory, awk), { recursive: true, force: true });
      mkdirSync(join(directory, awk));
      symlinkSync(await programOf(awk, awk), join(directory, awk, 'awk'));
    });

    test.each(CASES)('$title', async ({ change, findings, compared, ...options }) => {
      await makeInstallation(tree, options);
      change?.();
      const lines = verify(shell, awk);
      const markers = lines.map(parseMarker);
      expect(lines.slice(0, -1).sort()).toEqual(findings.map((each) => `@cygstrap finding ${each}`));
      expect(markers.slice(0, -1).every((marker) => marker?.kind === 'finding')).toBe(true);
      const packages = compared ?? (options.locked ?? PACKAGES).length;
      expect(markers.at(-1)).toEqual({ kind: 'verdict', verdict: { findings: findings.length, packages } });
    });
  });
});
