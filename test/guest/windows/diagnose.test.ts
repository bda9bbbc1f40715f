import { describe, expect, test } from 'vitest';
import { decodeLog } from '../../../src/guest/setup-logs.ts';
import { diagnose } from '../../../src/guest/windows/diagnose.ts';

const error = (text: string): string => `2026-05-04 10:11:12, Error      [0x060565] IBS    ${text}`;
/** A failure of the answer file, as Setup reports it. */
const refused = (pass: string, why: string): string =>
  error(`Windows could not parse or process unattend answer file [E:\\a.xml] for pass [${pass}]. ${why}`);
const noise = [
  '2026-05-04 10:11:10, Info       [0x0601d7] IBS    InstallWindows:Install Path = X:\\sources',
  '2026-05-04 10:11:11, Info       IBS    Checking hash of image 1: 0x80070570 is not set',
  '2026-05-04 10:11:11, Warning    PnPIBS: no disks were found for class {4d36e967}',
  'Press any key to boot from CD or DVD....',
].join('\r\n');

/** A line of a log, and words of the cause and of the advice. */
const CASES: readonly (readonly [line: string, cause: RegExp, advice: RegExp])[] = [
  [
    refused('specialize', 'A component or setting specified in the answer file does not exist.'),
    /element that this version or edition/,
    /`--guest`/,
  ],
  [
    refused('windowsPE', 'A component or non-list setting is specified more than once in the unattend answer file.'),
    /element twice/,
    /`--customize`/,
  ],
  [
    refused('windowsPE', 'The answer file is invalid. The error was detected at line number 12, column 3.'),
    /not valid XML/,
    /line number/,
  ],
  [
    refused(
      'oobeSystem',
      'The settings specified in the answer file cannot be applied. Component [Microsoft-Windows-Shell-Setup].',
    ),
    /value that Windows refuses/,
    /component that the line names/,
  ],
  [error('Setup cannot read the <ProductKey> setting from the unattend answer file.'), /another edition/, /--edition/],
  [
    error('The product key entered does not match any of the Windows images available.'),
    /another edition/,
    /--product-key/,
  ],
  [
    error('Windows cannot find the Microsoft Software License Terms. Make sure the installation sources are valid.'),
    /memory is too small/,
    /--memory 4G/,
  ],
  [
    '2026-05-04 10:11:12, Error   MOUPG  Setup has failed to validate the product key.',
    /does not accept/,
    /evaluation/,
  ],
  [error('No images are available.'), /no edition of the chosen name/, /media inspect/],
  [error('A media driver your computer needs is missing.'), /no driver for the bus/, /--qemu-arg/],
  [error('PnPIBS: failed to install the driver, error = 0x80070103'), /no driver for the bus/, /digest/],
  [error('No drives were found. Click Load Driver.'), /no driver for the bus/, /digest/],
  ['2026-05-04 10:11:12, Error   SP     0x80070490 - 0x4002C', /cannot make the partitions/, /send the evidence/],
  [
    error('Windows cannot be installed to this disk. The selected disk has an MBR partition table.'),
    /does not fit the firmware/,
    /--firmware/,
  ],
  [error('The partition selected for the installation is on a GPT disk.'), /does not fit the firmware/, /--firmware/],
  ["This PC can't run Windows 11", /requirements of Windows 11/, /--cpus 2/],
  ['This PC doesn\u2019t currently meet Windows 11 system requirements', /requirements of Windows 11/, /--memory/],
  [error('Failed to apply the image: 0x80070570'), /ISO is damaged/, /--sha256/],
  ['File: \\Windows\\System32\\ntdll.dll Status: 0xc0000221', /ISO is damaged/, /--sha256/],
  [error('WIM: hash mismatch in resource 12'), /ISO is damaged/, /--sha256/],
  [
    error('The computer restarted unexpectedly or encountered an unexpected error.'),
    /could not finish its configuration/,
    /setuperr\.log/,
  ],
  [
    error('Windows could not parse or process the unattend answer file [F:\\autounattend.xml] for pass [windowsPE].'),
    /refuses the answer file/,
    /lines after this one/,
  ],
];

describe('diagnose', () => {
  test.each(CASES)('%s', (line, cause, advice) => {
    const log = { name: 'setuperr.log', text: `${noise}\r\n${line}\r\n` };
    const found = diagnose([{ name: 'console', text: noise }, log]);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ log: 'setuperr.log', line: line.slice(0, 300) });
    expect(found[0]?.cause).toMatch(cause);
    expect(found[0]?.advice).toMatch(advice);
  });

  test('the specific cause comes before its consequence, whatever their order in the logs', () => {
    const text = [
      error('The computer restarted unexpectedly or encountered an unexpected error.'),
      refused('specialize', 'The answer file is invalid.'),
    ].join('\n');
    expect(diagnose([{ name: 'a', text }]).map(({ cause }) => cause)).toEqual([
      'the answer file is not valid XML',
      'Windows could not finish its configuration; the cause is an earlier error',
    ]);
  });

  test('nothing after Setup has ended: a failure of the script has another cause', () => {
    const text = refused('specialize', 'The answer file is invalid.');
    const console = (phase: string) => ({ name: 'console', text: `@cygstrap stage ${phase}\r\n` });
    expect(diagnose([{ name: 'a', text }, console('logon')])).toHaveLength(1);
    expect(diagnose([{ name: 'a', text }, console('script')])).toEqual([]);
  });

  test('codes in lines of the levels Info and Warning are no failure', () => {
    expect(diagnose([{ name: 'a', text: noise }])).toEqual([]);
  });
});

describe('decodeLog', () => {
  const text = '2026-05-04, Error: Ungültige Antwortdatei \u4e2d\r\n';

  test.each([
    ['UTF-8', Buffer.from(text)],
    ['UTF-8 with a byte order mark', Buffer.from(`\ufeff${text}`)],
    ['UTF-16LE with a byte order mark', Buffer.from(`\ufeff${text}`, 'utf16le')],
    ['the end of a UTF-16LE file', Buffer.from(text, 'utf16le')],
  ])('%s', (_, bytes) => {
    expect(decodeLog(bytes)).toBe(text);
  });

  test('other bytes', () => {
    expect(decodeLog(Buffer.from([0x41, 0xe4, 0x42]))).toBe('A\ufffdB');
    expect(decodeLog(new Uint8Array())).toBe('');
  });
});
