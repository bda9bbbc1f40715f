import { describe, expect, test } from 'vitest';
import { answerFile } from '../../../src/guest/windows/answer-file.ts';
import type { AnswerFileAnswers } from '../../../src/guest/windows/answer-file.ts';
import { customizationOf } from '../../../src/guest/windows/customize.ts';
import type { WindowsKind } from '../../../src/core/windows/kinds.ts';

const ANSWERS: AnswerFileAnswers = {
  kind: 'windows-2022',
  arch: 'amd64',
  firmware: 'uefi',
  edition: 2,
  uiLanguage: 'en-US',
  locale: 'en-US',
  timeZone: 'UTC',
  computerName: 'CYGWIN-BUILD',
  password: 'Secret-1',
};

function of(files: Readonly<Record<string, string>>, kind: WindowsKind = 'windows-2022') {
  return customizationOf(kind, 'mine', new Map(Object.entries(files).map(([path, text]) => [path, Buffer.from(text)])));
}

/** A fragment with elements of one component. */
function fragment(pass: string, component: string, elements: string): string {
  return `<?xml version="1.0"?>
<unattend xmlns="urn:schemas-microsoft-com:unattend" xmlns:wcm="http://schemas.microsoft.com/WMIConfig/2002/State">
<settings pass="${pass}"><component name="Microsoft-Windows-${component}">
${elements}</component></settings></unattend>`;
}

describe('files of a user', () => {
  test('commands, drivers and other files are on the medium, fragments are not', () => {
    const { files, commands, hasDrivers, settings } = of({
      'logon.cmd': 'echo',
      'drivers/net/a.inf': '',
      'tools/x.exe': '',
      'answers/a.xml': fragment('specialize', 'Shell-Setup', '<RegisteredOwner>me</RegisteredOwner>'),
    });
    expect([...files.keys()]).toEqual(['drivers/net/a.inf', 'logon.cmd', 'tools/x.exe']);
    expect({ commands, hasDrivers }).toEqual({ commands: { specialize: false, logon: true }, hasDrivers: true });
    expect(settings).toMatchObject([
      { pass: 'specialize', component: 'Shell-Setup', elements: { RegisteredOwner: 'me' }, file: 'mine/answers/a.xml' },
    ]);
  });

  test('the case of names does not matter, as in Windows', () => {
    const { commands, hasDrivers, settings, files } = of({
      'Logon.CMD': '',
      'Specialize.cmd': '',
      'Drivers/a.inf': '',
      'Answers/a.XML': fragment('specialize', 'Shell-Setup', '<RegisteredOwner>me</RegisteredOwner>'),
    });
    expect({ commands, hasDrivers }).toEqual({ commands: { specialize: true, logon: true }, hasDrivers: true });
    expect(settings).toHaveLength(1);
    expect(files.has('Answers/a.XML')).toBe(false);
    expect(() => of({ 'A/b': '', 'a/B': '' })).toThrow('`mine/a/B` cannot be used: another file has this name');
  });

  test('the digest depends on every path and byte', () => {
    const digests = [{}, { a: 'b' }, { ab: '' }, { a: 'c' }, { 'logon.cmd': 'b' }].map((files) => of(files).digest);
    expect(new Set(digests).size).toBe(digests.length);
  });

  test.each([
    [{ 'CYGSTRAP.CMD': '' }, '`mine/CYGSTRAP.CMD` cannot be used: this file is made by cygstrap'],
    [{ 'autounattend.xml': '' }, 'this file is made by cygstrap'],
    [{ 'Cygwin/password': '' }, 'this file is made by cygstrap'],
    [{ 'answers/a.txt': '' }, '`mine/answers/a.txt` cannot be used: the directory `answers` is for fragments `*.xml`'],
    [{ 'answers/a.xml': '<unattend' }, 'mine/answers/a.xml: malformed XML'],
    [{ 'answers/a.xml': '<a/>' }, 'its first element is not `unattend`'],
    [
      { 'answers/a.xml': fragment('generalize', 'A', '') },
      '`mine/answers/a.xml:3` cannot be used: not one of the passes',
    ],
    [
      {
        'answers/a.xml': fragment(
          'specialize',
          'Deployment',
          `<Run><RunSynchronousCommand><Path>${'x'.repeat(256)}</Path></RunSynchronousCommand></Run>`,
        ),
      },
      '`mine/answers/a.xml:4` cannot be used: the command is longer than 255 characters',
    ],
    [
      { 'answers/a.xml': fragment('oobeSystem', 'Shell-Setup', '<FirstLogonCommands/>') },
      '`mine/answers/a.xml:4` cannot be used: commands for the first logon are in `logon.cmd`',
    ],
    [
      { 'answers/a.xml': fragment('oobeSystem', 'Shell-Setup', '<A>1</A>\n<B><C>1</C>\n<C>2</C></B>') },
      '`mine/answers/a.xml:6` cannot be used: duplicate element `C`, which Setup refuses',
    ],
  ])('%j is refused', (files, message) => {
    expect(() => of(files)).toThrow(message);
  });

  test.each(['windows-7', 'windows-xp'] as const)('%s runs no commands in the phase specialize', (kind) => {
    expect(() => of({ 'Specialize.cmd': '' }, kind)).toThrow(`Setup of ${kind} runs no commands in that phase`);
    expect(of({ 'logon.cmd': '' }, kind).commands).toEqual({ specialize: false, logon: true });
  });

  test('Windows XP has a floppy without directories', () => {
    expect(() => of({ 'drivers/a.inf': '' }, 'windows-xp')).toThrow('the medium is a floppy, without directories');
  });
});

describe('fragments of answers', () => {
  const merged = (pass: string, component: string, elements: string): string =>
    answerFile(ANSWERS, of({ 'answers/a.xml': fragment(pass, component, elements) }).settings);

  test('a new element and a new component are added to their pass', () => {
    expect(merged('specialize', 'Shell-Setup', '<RegisteredOwner>me</RegisteredOwner>')).toMatch(
      /<ComputerName>.*<RegisteredOwner>me<\/RegisteredOwner>\s*<\/component>/s,
    );
    expect(merged('offlineServicing', 'Other', '<A>1</A>')).toMatch(
      /pass="offlineServicing">.*name="Microsoft-Windows-Other".*<A>1<\/A>.*pass="specialize"/s,
    );
  });

  test('a command comes after those of cygstrap, with the next number', () => {
    const command = `<RunSynchronous><RunSynchronousCommand wcm:action="add"><Order>1</Order><Path>mine.exe</Path>
      </RunSynchronousCommand></RunSynchronous>`;
    expect(merged('specialize', 'Deployment', command)).toMatch(
      /<Order>1<\/Order>.*cygstrap\.cmd specialize.*<Order>2<\/Order>\s*<Path>mine.exe<\/Path>/s,
    );
  });

  test('an element of cygstrap cannot be replaced: Setup refuses one that is there twice', () => {
    expect(() => merged('specialize', 'Shell-Setup', '<ComputerName>MINE</ComputerName>')).toThrow(
      'cannot be used: `specialize Shell-Setup/ComputerName` is already in the answer file',
    );
  });
});
