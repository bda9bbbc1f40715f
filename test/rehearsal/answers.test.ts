import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { answerTo, FIXTURES, GOLDENS, medium, say, swap } from './answer-goldens.ts';
import { answerFilePlaces, findAnswerFile } from './answers.ts';
import type { Computer, Drive, SetupMedium } from './answers.ts';

describe.each(GOLDENS)('$name', ({ name, kind, firmware }) => {
  const bytes = readFileSync(join(FIXTURES, name));

  test('is accepted in every pass', () => {
    expect(say(bytes, medium(kind), { firmware, diskMB: 65536 })).toBe(undefined);
    expect(say(bytes, medium(kind, { productKey: 'optional' }), { firmware, diskMB: 65536 })).toBe(undefined);
  });

  test('is refused with the other firmware', () => {
    const other = firmware === 'bios' ? 'uefi' : 'bios';
    expect(say(bytes, medium(kind), { firmware: other, diskMB: 65536 })).toContain('cannot be installed to this disk');
  });
});

test('there is a golden for every kind with each firmware', () => {
  expect(GOLDENS).toHaveLength(18);
});

describe('the file', () => {
  test('is ignored with a byte before its declaration, but for a byte order mark', () => {
    for (const start of [' ', '\r\n', 'x', '\0']) expect(answerTo((xml) => `${start}${xml}`)).toBe('ignored');
    expect(answerTo(() => '')).toBe('ignored');
    expect(answerTo((xml) => `\uFEFF${xml}`)).toBe(undefined);
  });

  test.each([
    ['an element that is not closed', swap('</Disk>', ''), 'line 53'],
    ['text after its end', (xml: string) => `${xml}x`, 'line '],
    ['an attribute without quotation marks', swap('pass="windowsPE"', 'pass=windowsPE'), 'line 3'],
    ['an unknown entity', swap('<Organization>', '<Organization>&nbsp;'), 'line 74'],
    ['a control character', swap('<Organization>', '<Organization>\u0001'), 'line 74'],
    ['bytes that are not UTF-8', (xml: string) => Buffer.concat([Buffer.from(xml), Buffer.of(0xff)]), 'line 1'],
    ['another root', (xml: string) => xml.replaceAll(/(<\/?)unattend/g, '$1other'), 'line 1'],
    ['a root without namespace', swap(' xmlns="urn:schemas-microsoft-com:unattend"', ''), 'line 1'],
    ['an unknown pass', swap('pass="specialize"', 'pass="special"'), 'line '],
    ['an element of somebody else without a namespace', swap('</unattend>', '<mine/></unattend>'), 'line '],
  ])('is not valid with %s', (_, change, line) => {
    const said = answerTo(change);
    expect(said).toContain('error: The answer file is invalid. The error was detected at line ');
    expect(said).toContain(line);
  });

  test('can have an element of somebody else with a namespace', () => {
    expect(answerTo(swap('</unattend>', '<mine xmlns="urn:mine"><x/></mine></unattend>'))).toBe(undefined);
  });
});

describe('the answer file that is used', () => {
  const drive = (letter: string, type: Drive['type'], files: string[], isSetup = false): Drive => ({
    letter,
    type,
    isSetup,
    files,
  });
  const paths = (drives: readonly Drive[], kind: SetupMedium['kind'], firmware: Computer['firmware']): string[] =>
    answerFilePlaces(drives, medium(kind), { firmware }).map((place) => `${place.drive.letter}:${place.file}`);

  test('is on a writable medium first, then on the first CD, then in the sources of Setup; in any case', () => {
    const drives = [
      drive('F', 'cdrom', ['autounattend.xml', 'cygstrap.cmd']),
      drive('D', 'cdrom', ['setup.exe', 'sources/AutoUnattend.xml', 'sources/install.wim'], true),
      drive('E', 'cdrom', ['unattend.xml', 'x/autounattend.xml', 'AUTOUNATTEND.XML']),
      drive('A', 'floppy', ['Autounattend.xml']),
    ];
    const expected = ['A:Autounattend.xml', 'E:AUTOUNATTEND.XML', 'F:autounattend.xml', 'D:sources/AutoUnattend.xml'];
    expect(paths(drives, 'windows-10', 'bios')).toEqual(expected);
    expect(paths(drives, 'windows-2019', 'uefi')).toEqual(expected);
    // Setup of 2022 and later does not see a floppy when UEFI started it.
    expect(paths(drives, 'windows-2022', 'uefi')).toEqual(expected.slice(1));
    expect(paths(drives, 'windows-2022', 'bios')).toEqual(expected);
  });

  test('is the first that Setup does not ignore', () => {
    const xml = readFileSync(join(FIXTURES, 'windows-10-uefi.xml'));
    const drives = ['D', 'E', 'F'].map((letter) => drive(letter, 'cdrom', ['autounattend.xml']));
    const places = answerFilePlaces(drives, medium('windows-10'), { firmware: 'uefi' });
    const texts: Readonly<Record<string, Buffer>> = {
      D: Buffer.concat([Buffer.from('\n'), xml]),
      E: xml,
      F: Buffer.from('<broken'),
    };
    const read = (place: (typeof places)[number]): Buffer => texts[place.drive.letter] ?? expect.fail();
    expect(findAnswerFile(places, read)?.place.drive.letter).toBe('E');
    expect(findAnswerFile(places.slice(0, 1), read)).toBe(undefined);
    expect(() => findAnswerFile(places.slice(2), read)).toThrow('The answer file is invalid');
  });
});
