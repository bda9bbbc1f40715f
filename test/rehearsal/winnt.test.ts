import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PROJECT } from '../support/transcript.ts';
import { SetupStops } from './answers.ts';
import { planWinnt } from './winnt.ts';
import type { WinntMedium, WinntPlan } from './winnt.ts';

const KINDS = ['windows-xp', 'windows-2003'] as const;

const golden = (kind: WinntMedium['kind']): string =>
  readFileSync(join(PROJECT, `fixtures/windows/${kind}.sif`), 'latin1');

function plan(text: string, more: Partial<WinntMedium> = {}): WinntPlan {
  return planWinnt(Buffer.from(text, 'latin1'), { kind: 'windows-xp', productKey: 'optional', ...more }, 8192);
}

/** Returns what Setup says of a golden after a change. */
function answerTo(from: string | RegExp, to: string, kind: WinntMedium['kind'] = 'windows-xp'): string | undefined {
  const changed = golden(kind).replace(from, to);
  expect(changed, `nothing matches ${from}`).not.toBe(golden(kind));
  return say(changed, { kind });
}

function say(text: string, more: Partial<WinntMedium>): string | undefined {
  try {
    plan(text, more);
    return undefined;
  } catch (error) {
    if (!(error instanceof SetupStops)) throw error;
    return `${error.shows}: ${error.message}`;
  }
}

describe.each(KINDS)('winnt.sif of %s', (kind) => {
  test('is accepted: one partition, a command at the first logon', () => {
    const { disk, commands, computerName } = plan(golden(kind), { kind });
    expect(disk.partitions).toMatchObject([{ number: 1, sizeMB: 8190, format: 'NTFS', isActive: true }]);
    expect([commands, computerName]).toEqual([['a:\\cygstrap.cmd logon'], 'CYGWIN-BUILD']);
  });

  test('needs a product key for media that require one', () => {
    expect(say(golden(kind), { kind, productKey: 'required' })).toBe('question: Your Product Key');
    const withKey = golden(kind).replace('ComputerName=', 'ProductKey="AAAAA-BBBBB-CCCCC-DDDDD-12345"\r\n$&');
    expect(say(withKey, { kind, productKey: 'required' })).toBe(undefined);
  });
});

test.each([
  ['a line that ends with LF only', '\r\n', '\n', 'a line does not end with CR LF'],
  ['UTF-8 with a byte order mark', /^/, '\u00ef\u00bb\u00bf', 'line 1: no key'],
  ['a control character', 'cygstrap', 'cyg\u0001strap', 'not ANSI'],
  ['a section that Setup does not know', '[Networking]', '[Network]', '[Network] has no InstallDefaultComponents'],
  ['a key that Setup does not know', 'OemSkipEula', 'SkipEula', '[Unattended] has no SkipEula'],
  ['a section twice', '[Networking]', '[Data]', '[Data] again'],
  ['a key twice', 'AutoLogonCount=9', 'AutoLogonCount=9\r\nautologoncount=9', 'autologoncount again'],
  ['a space without quotation marks', 'JoinWorkgroup=WORKGROUP', 'JoinWorkgroup=WORK GROUP', 'needs quotation marks'],
  ['a single percent sign', 'Secret-1', '50%', 'a single percent sign in AdminPassword'],
])('Setup refuses %s', (_, from, to, message) => {
  expect(answerTo(from, to)).toContain('error: The answer file winnt.sif is invalid: ');
  expect(answerTo(from, to)).toContain(message);
});

test('a doubled percent sign is one', () => {
  expect(plan(golden('windows-xp').replace('cygstrap.cmd logon', '%%x%%.cmd')).commands).toEqual(['a:\\%x%.cmd']);
});

test.each([
  ['a start from DOS', 'MsDosInitiated="0"', 'MsDosInitiated="1"', 'Welcome to Setup'],
  ['no word that it is unattended', /UnattendedInstall=.*\r\n/, '', 'Welcome to Setup'],
  ['no license', 'OemSkipEula=Yes', 'OemSkipEula=No', 'Licensing Agreement'],
  ['no partitions', /Repartition=.*\r\n/, '', 'existing partitions'],
  ['no file system', 'ConvertNTFS', 'LeaveAlone', 'NTFS file system'],
  ['no directory', 'TargetPath=\\WINDOWS', 'TargetPath=WINDOWS', 'directory'],
  ['another mode', 'FullUnattended', 'ProvideDefault', 'Click Next'],
  ['no language', /UserLocale=.*\r\n/, '', 'Regional'],
  ['no password', /AdminPassword=.*\r\n/, '', 'Administrator Password'],
  ['a time zone by name', 'TimeZone=85', 'TimeZone=UTC', 'Date and Time'],
  ['no network', 'InstallDefaultComponents=Yes', 'InstallDefaultComponents=No', 'Networking'],
  ['no group', /JoinWorkgroup=.*\r\n/, '', 'Workgroup'],
  ['no automatic logon', 'AutoLogonCount=9', 'AutoLogonCount=0', 'Ctrl-Alt-Delete'],
  ['no user', /FullName=.*\r\n/, '', 'Personalize'],
  ['a computer name of 16 characters', 'CYGWIN-BUILD', 'CYGWIN-BUILD-123', 'Computer Name'],
])('Setup asks with %s', (_, from, to, question) => {
  expect(answerTo(from, to)).toContain('question: ');
  expect(answerTo(from, to)).toContain(question);
});

test('Setup of Server 2003 asks for its licenses', () => {
  expect(answerTo('AutoUsers=5', 'AutoUsers=1', 'windows-2003')).toBe('question: Licensing Modes');
});
