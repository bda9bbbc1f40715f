import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { answerTo, FIXTURES, medium, replace, swap } from './answer-goldens.ts';

describe('a pass is refused for', () => {
  const NOT_THERE = 'does not exist: ';
  const TWICE = 'is specified more than once';
  const NOT_APPLIED = 'cannot be applied: ';

  test.each([
    ['an unknown element', 'specialize', NOT_THERE, swap('<ComputerName>', '<Colour>red</Colour><ComputerName>')],
    ['an unknown component', 'specialize', NOT_THERE, swap('Security-SPP-UX', 'Security-SPP')],
    [
      'a component of another pass',
      'oobeSystem',
      NOT_THERE,
      swap(/Windows-International-Core"(?![^]*Core")/, 'Windows-LUA-Settings"'),
    ],
    [
      'a component of somebody else',
      'specialize',
      NOT_THERE,
      swap('Microsoft-Windows-Security-SPP-UX', 'Security-SPP-UX'),
    ],
    ['a component without architecture', 'windowsPE', NOT_THERE, swap(' processorArchitecture="amd64"', '')],
    ['another public key', 'windowsPE', NOT_THERE, swap('31bf3856ad364e35', '0000000000000000')],
    ['another version scope', 'windowsPE', NOT_THERE, swap('nonSxS', 'SxS')],
    ['an element in a value', 'specialize', NOT_THERE, swap('>CYGWIN-BUILD<', '><b>CYGWIN-BUILD</b><')],
    [
      'an element in another namespace',
      'specialize',
      NOT_THERE,
      swap('<ComputerName>', '<ComputerName xmlns="urn:x">'),
    ],
    ['an element twice', 'windowsPE', TWICE, swap(/<AcceptEula>.*<\/AcceptEula>/, '$&$&')],
    [
      'an item of a list that is not added',
      'windowsPE',
      TWICE,
      swap(/(<CreatePartition) wcm:action="add"(>\s*<Order>2)/, '$1$2'),
    ],
    [
      'a component twice',
      'specialize',
      TWICE,
      swap(/<component name="Microsoft-Windows-Security[^]*?<\/component>/, '$&$&'),
    ],
    ['a truth value that is none', 'windowsPE', NOT_APPLIED, swap('<AcceptEula>true', '<AcceptEula>yes')],
    [
      'a value with line ends around it',
      'windowsPE',
      NOT_APPLIED,
      swap('<AcceptEula>true<', '<AcceptEula>\r\ntrue\r\n<'),
    ],
    ['a locale that is none', 'windowsPE', NOT_APPLIED, swap('<UserLocale>de-DE', '<UserLocale>german')],
    ['a computer name of 16 characters', 'specialize', NOT_APPLIED, swap('>CYGWIN-BUILD<', '>CYGWIN-BUILD-123<')],
    ['a computer name with a dot', 'specialize', NOT_APPLIED, swap('>CYGWIN-BUILD<', '>CYG.STRAP<')],
    ["the user's name as computer name", 'specialize', NOT_APPLIED, swap('<Name>cygstrap<', '<Name>Cygwin-Build<')],
    ['a time zone of IANA', 'specialize', NOT_APPLIED, swap('W. Europe Standard Time', 'Europe/Berlin')],
    ['a command of 257 characters', 'specialize', NOT_APPLIED, swap(/<Path>/, `$&${' '.repeat(157)}`)],
    [
      'two commands with one number',
      'specialize',
      NOT_APPLIED,
      swap(/<RunSynchronousCommand [^]*?<\/RunSynchronousCommand>/, '$&$&'),
    ],
    ['a first command of 1025 characters', 'oobeSystem', NOT_APPLIED, swap('<CommandLine>', `$&${'x'.repeat(1000)}`)],
    ['a first command without number', 'oobeSystem', NOT_APPLIED, swap(/<Order>1<\/Order>(\s*<CommandLine>)/, '$1')],
    ['a simple password on a server', 'oobeSystem', NOT_APPLIED, (xml: string) => xml.replaceAll('Secret-1', 'secret')],
    ['a group that is none', 'oobeSystem', NOT_APPLIED, swap('>Administrators<', '>wheel<')],
    ['a password that is not plain text', 'oobeSystem', 'cannot be read', swap('<PlainText>true', '<PlainText>false')],
  ])('%s', (_, pass, message, change) => {
    const said = answerTo(change);
    expect(said).toContain(`error: could not parse or process unattend answer file for pass [${pass}]. `);
    expect(said).toContain(message);
  });

  test('an element that only other versions have', () => {
    const cases = [
      ['windows-7-bios', 'windowsPE', swap('<UserData>', '<RunSynchronous/>$&')],
      ['windows-7-bios', 'specialize', swap('Security-SPP-UX', 'Deployment')],
      ['windows-7-bios', 'oobeSystem', swap('<OOBE>', '$&<HideOnlineAccountScreens>true</HideOnlineAccountScreens>')],
      ['windows-8.1-uefi', 'oobeSystem', swap('<OOBE>', '$&<VMModeOptimizations/>')],
      ['windows-10-uefi', 'specialize', swap('Security-SPP-UX', 'ServerManager-SvrMgrNc')],
    ] as const;
    for (const [golden, pass, change] of cases)
      expect([golden, answerTo(change, { golden })]).toEqual([
        golden,
        expect.stringContaining(`pass [${pass}]. A component or setting specified in the answer file does not exist`),
      ]);
  });

  test('nothing else: the longest commands and encoded passwords are accepted', () => {
    expect(answerTo(swap(/<Path>[^<]*/, `<Path>${'x'.repeat(256)}`))).toBe(undefined);
    expect(answerTo(swap(/<CommandLine>[^<]*/, `<CommandLine>${'x'.repeat(1024)}`))).toBe(undefined);
    const encoded = Buffer.from('Secret-1Password', 'utf16le').toString('base64');
    const hide = swap(/(<AutoLogon>[^]*?)<Value>.*\s*<PlainText>true/, `$1<Value>${encoded}</Value><PlainText>false`);
    expect(answerTo(hide)).toBe(undefined);
  });
});

describe('Setup shows an error for', () => {
  test('an image that the medium does not have', () => {
    expect(answerTo(swap('<Value>2', '<Value>5'))).toBe('error: No images are available: /IMAGE/INDEX is 5');
    expect(answerTo(swap('/IMAGE/INDEX', '/IMAGE/NAME'))).toContain('No images are available');
    expect(answerTo((xml) => swap('<Value>2', '<Value>Windows 1')(swap('/INDEX', '/NAME')(xml)))).toBe(undefined);
    expect(answerTo(swap('<Value>2', '<Value>3'), { images: medium('windows-10').images })).toContain('No images');
  });

  const withKey = (key: string): ((xml: string) => string) => swap('<ProductKey>', `<ProductKey><Key>${key}</Key>`);
  const KEY = 'AAAAA-BBBBB-CCCCC-DDDDD-12345';

  test('a product key where the medium accepts none, none where it requires one, one that is none', () => {
    expect(answerTo(withKey(KEY))).toContain('product key does not match any of the Windows images');
    expect(answerTo(withKey(KEY), { productKey: 'required' })).toBe(undefined);
    expect(answerTo(withKey(KEY), { productKey: 'optional' })).toBe(undefined);
    expect(answerTo((xml) => `${xml}\r\n`, { productKey: 'required' })).toContain(
      'cannot read the <ProductKey> setting',
    );
    expect(answerTo(withKey('AAAAA'), { productKey: 'required' })).toContain('failed to validate the product key');
    expect(answerTo(withKey(''))).toBe(undefined);
    expect(answerTo(withKey(''), { golden: 'windows-2025-uefi' })).toContain('failed to validate the product key');
  });
});

describe('a layout is refused for', () => {
  const bios = { golden: 'windows-10-bios' };
  const item = (id: number, more: string): ((xml: string) => string) =>
    swap(new RegExp(`<PartitionID>${id}</PartitionID>(?!\\s*</InstallTo>)`), `$&${more}`);

  test.each([
    ['a disk that the computer does not have', 'disk 0 only', swap('<DiskID>0', '<DiskID>1'), {}],
    ['a disk that is too small', 'the disk has 200 MB', (xml: string) => `${xml}\r\n`, { diskMB: 200 }],
    ['no room for the rest', 'the disk has 278 MB', (xml: string) => `${xml}\r\n`, { diskMB: 278 }],
    ['a size and an extension', 'Size or Extend', swap('<Extend>true', '<Size>100</Size>$&'), {}],
    [
      'an extension before another partition',
      'after a partition with Extend',
      swap('<Size>16</Size>', '<Extend>true</Extend>'),
      {},
    ],
    ['the same order twice', 'the same Order twice', swap('<Order>2', '<Order>1'), {}],
    ['a partition without order', 'Order is missing', swap('<Order>2</Order>', ''), {}],
    ['a modified partition that is not made', 'no partition 4', swap(/<PartitionID>2/, '<PartitionID>4'), {}],
    ['a partition modified twice', 'partition 1 twice', swap(/<PartitionID>2/, '<PartitionID>1'), {}],
    [
      'a target that is not made',
      'this partition does not exist',
      swap(/<PartitionID>3(?=<\/PartitionID>\s*<\/InstallTo>)/, '<PartitionID>4'),
      {},
    ],
    ['a target on another disk', 'this partition does not exist', swap(/(<InstallTo>\s*<DiskID>)0/, '$11'), {}],
    ['a target without file system', 'cannot be installed to partition 3', swap('<Format>NTFS</Format>', ''), {}],
    ['the letter of WinPE', 'letter X', swap('<Letter>C', '<Letter>X'), {}],
    ['a reserved partition with a file system', 'MSR partition has no Format', item(2, '<Format>NTFS</Format>'), {}],
    ['an EFI partition with NTFS', 'the EFI partition has FAT32', swap('FAT32', 'NTFS'), {}],
    ['no reserved partition', 'has one MSR partition', swap('MSR', 'Primary'), {}],
    ['an active partition in a GPT', 'Active is for MBR only', item(3, '<Active>true</Active>'), {}],
    ['two active partitions', 'more than one partition is Active', item(2, '<Active>true</Active>'), bios],
    ['no active partition', 'no partition is Active', swap('<Active>true</Active>', ''), bios],
  ])('%s', (_, message, change, options) => {
    const said = answerTo(change, options);
    expect(said).toContain('error: could not parse or process unattend answer file for pass [windowsPE]. ');
    expect(said).toContain(message);
  });

  test('nothing else: one partition for BIOS is made active by Setup', () => {
    const xml = readFileSync(join(FIXTURES, 'windows-10-bios.xml'), 'utf8');
    const without = (name: string, from: string): string =>
      replace(from, new RegExp(`<${name} wcm[^]*?</${name}>\\s*`), '');
    const single = without('CreatePartition', without('ModifyPartition', xml))
      .replaceAll('<Order>2', '<Order>1')
      .replaceAll('<PartitionID>2', '<PartitionID>1');
    expect(answerTo(() => single, bios)).toBe(undefined);
  });
});

test.each([
  ['another language than that of the medium', 'Language to install', swap('<UILanguage>en-US', '<UILanguage>de-DE')],
  ['no language', 'Language to install', swap(/<SetupUILanguage>[^]*?<\/SetupUILanguage>/, '')],
  ['no keyboard', 'keyboard or input method', swap(/<InputLocale>.*<\/InputLocale>/, '')],
  ['no license', 'license terms', swap(/<AcceptEula>.*<\/AcceptEula>/, '')],
  ['a license not accepted', 'license terms', swap('<AcceptEula>true', '<AcceptEula>false')],
  ['no disks', 'Where do you want to install Windows?', swap(/<DiskConfiguration>[^]*<\/DiskConfiguration>/, '')],
  ['no target', 'Where do you want to install Windows?', swap(/<InstallTo>[^]*<\/InstallTo>/, '')],
  ['no image', 'Select the operating system', swap(/<InstallFrom>[^]*<\/InstallFrom>/, '')],
  ['another architecture', 'Language to install', (xml: string) => xml.replaceAll('"amd64"', '"x86"')],
  ['another architecture for Setup', 'Install now', swap(/(Windows-Setup" processorArchitecture=)"amd64"/, '$1"x86"')],
  [
    'no region for the first start',
    'country or region',
    swap(
      /Windows-International-Core" processorArchitecture="amd64"/,
      'Windows-International-Core" processorArchitecture="arm64"',
    ),
  ],
  ['no license page', 'license terms', swap('<HideEULAPage>true', '<HideEULAPage>false')],
  [
    'no password for the administrator',
    'password for the administrator',
    swap(/<AdministratorPassword>[^]*<\/AdministratorPassword>/, ''),
  ],
  ['no automatic logon', 'sign in', swap(/<AutoLogon>[^]*<\/AutoLogon>/, '')],
  ['another user for the automatic logon', 'sign in', swap('<Username>cygstrap', '<Username>vagrant')],
  ['another password for the automatic logon', 'sign in', swap(/(<AutoLogon>[^]*?)Secret-1/, '$1Secret-2')],
  ['no logons left', 'sign in', swap('<LogonCount>9', '<LogonCount>0')],
])('Setup asks with %s', (_, question, change) => {
  const said = answerTo(change);
  expect(said).toContain('question: ');
  expect(said).toContain(question);
});

test('the first start of a client asks for a user, for updates, and in 7 for the place', () => {
  const golden = 'windows-7-bios';
  expect(answerTo(swap(/<LocalAccounts>[^]*<\/LocalAccounts>/, ''), { golden })).toContain('Who will use this');
  expect(answerTo(swap(/<ProtectYourPC>.*<\/ProtectYourPC>/, ''), { golden })).toContain('protect your computer');
  expect(answerTo(swap(/<NetworkLocation>.*<\/NetworkLocation>/, ''), { golden })).toContain('current location');
});
