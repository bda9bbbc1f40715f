import { expect, describe, test } from 'vitest';
import { stageText } from '../../../src/cli/terminal/reporter.ts';
import { WINDOWS_GUESTS } from '../../../src/guest/windows/kinds.ts';
import { HARDWARE } from '../../../src/guest/windows/machine.ts';
import { windowsKit } from '../../../src/guest/windows/kit.ts';
import type { WindowsSetup } from '../../../src/guest/windows/setup.ts';
import type { WindowsKind } from '../../../src/core/windows/kinds.ts';
import { installSpec } from '../../../src/stages/install.ts';
import { cpuOf } from '../../../src/stages/machine-spec.ts';
import { argvOf } from '../../../src/vm/argv.ts';
import type { CpuVendor, Host } from '../../../src/vm/base/host.ts';
import { filesOf } from '../../../src/vm/base/layout.ts';
import { debian12 } from '../../vm/argv-support.ts';

function setupOf(kind: WindowsKind, more: Partial<WindowsSetup> = {}): WindowsSetup {
  const edition = {
    index: 2,
    name: 'Standard',
    editionId: 'ServerStandardEval',
    arch: 'amd64',
    version: '10.0.20348.587',
    languages: ['en-US'],
    installationType: 'desktop',
    isServer: true,
    isEvaluation: true,
    kind,
  } as const;
  return {
    kind,
    medium: {
      path: '/isos/win.iso',
      sizeBytes: 5_044_094_976,
      format: 'UDF 1.02',
      label: 'SSS_X64FREE_EN-US_DV9',
      boot: { bios: true, uefi: true },
      sources: ['sources/install.wim'],
      setupLanguage: 'en-US',
      editions: [edition],
      answerFiles: [],
      unchecked: [],
    },
    isoSha256: 'a'.repeat(64),
    edition,
    arch: 'amd64',
    locale: 'de-DE',
    timeZone: 'UTC',
    computerName: 'CYGWIN-BUILD',
    productKey: undefined,
    customization: undefined,
    ...more,
  };
}

const answers = {
  nonce: '0123',
  authorizedKey: 'ssh-ed25519 AAAA',
  hostKey: { privateKey: 'private\n', publicKey: 'ssh-ed25519 BBBB' },
  password: 'Cy1-0123456789abcdef',
  archives: [],
  firmware: 'uefi',
  setup: { program: 'setup-x86_64.exe', arguments: ['--quiet-mode'], arch: 'x86_64', packages: 1 },
} as const;

const DIGEST = { algorithm: 'md5', hex: '0'.repeat(32) } as const;

const host = (kvm: boolean, cpuVendor: CpuVendor = 'intel'): Pick<Host, 'qemu' | 'firmware' | 'cpuVendor'> => ({
  cpuVendor,
  qemu: kvm ? { ...debian12, accelerators: [{ name: 'kvm', works: true, cpu: 'qemu64', durationMs: 40 }] } : debian12,
  firmware: {
    code: { path: '/usr/share/OVMF/OVMF_CODE_4M.fd', format: 'raw' },
    vars: { path: '/usr/share/OVMF/OVMF_VARS_4M.fd', format: 'raw' },
  },
});

describe.each(
  WINDOWS_GUESTS.flatMap((kind) => kind.firmwares.map((firmware) => ({ kind, firmware, name: kind.name }))),
)('the machine of $name with $firmware', ({ kind, firmware, name }) => {
  test.each(['kvm', 'tcg'])('is as recorded, with %s', async (accelerator) => {
    const spec = installSpec(
      { host: host(accelerator === 'kvm') as Host },
      {
        kit: windowsKit(setupOf(name as WindowsKind)),
        machineOptions: { ...kind.defaults, firmware, emptyDisksMiB: [], tpm: false, qemuArguments: [] },
        media: { repo: '/stage/media/repo.iso', answers: '/stage/media/answers' },
        directory: '/stage',
      },
    );
    const words = argvOf(spec, host(accelerator === 'kvm').qemu ?? debian12, filesOf('install', '/run/cygstrap'));
    const text = `${words.join('\n').replaceAll(/^(-[\w-]+)\n(?!-)/gm, '$1 ')}\n`;
    await expect(text).toMatchFileSnapshot(`../../../fixtures/windows/qemu/${name}-${firmware}-${accelerator}.txt`);
  });
});

test.each(WINDOWS_GUESTS)('the script of $name is as recorded', async ({ name }) => {
  const files = windowsKit(setupOf(name as WindowsKind)).answerFiles(answers);
  const script = Buffer.from(files.get('cygstrap.cmd') ?? []).toString('latin1');
  await expect(script.replaceAll('\r\n', '\n')).toMatchFileSnapshot(`../../../fixtures/windows/${name}.cmd`);
});

test('on a processor of AMD a machine has a model of AMD, with KVM only', () => {
  const cpus = (['amd', 'intel'] as const).map((vendor) =>
    [true, false].map((kvm) => cpuOf(HARDWARE['windows-11'].cpu, host(kvm, vendor), kvm ? 'kvm' : 'tcg').split(',')[0]),
  );
  expect(cpus).toEqual([
    ['EPYC', 'Skylake-Client-v4'],
    ['Skylake-Client-v4', 'Skylake-Client-v4'],
  ]);
});

describe('the kit of a Windows', () => {
  test('has a key that depends on every choice, and of a product key only on whether there is one', () => {
    const base = setupOf('windows-2022');
    const keyOf = (more: Partial<WindowsSetup> = {}): string => windowsKit({ ...base, ...more }).key;
    const customization = {
      files: new Map(),
      settings: [],
      commands: { specialize: false, logon: false },
      hasDrivers: false,
      digest: 'b',
    };
    const keys = [
      keyOf(),
      keyOf({ kind: 'windows-2025' }),
      keyOf({ isoSha256: 'b'.repeat(64) }),
      keyOf({ edition: { ...base.edition, index: 4 } }),
      keyOf({ locale: 'en-US' }),
      keyOf({ timeZone: 'Tokyo Standard Time' }),
      keyOf({ computerName: 'OTHER' }),
      keyOf({ productKey: 'AAAAA-AAAAA-AAAAA-AAAAA-AAAAA' }),
      keyOf({ customization }),
      keyOf({ customization: { ...customization, digest: 'c' } }),
      // Not choices, but part of the answers.
      keyOf({ medium: { ...base.medium, setupLanguage: 'de-DE' } }),
      keyOf({ arch: 'x86' }),
    ];
    expect(new Set(keys).size).toBe(keys.length);
    expect(keyOf({ productKey: 'BBBBB-BBBBB-BBBBB-BBBBB-BBBBB' })).toBe(keys[7]);
    expect(keyOf({ medium: { ...base.medium, path: '/elsewhere/win.iso' } })).toBe(keys[0]);
  });

  test('has the evaluation period of its edition', () => {
    const { edition } = setupOf('windows-2022');
    const days = (more: object): number | undefined =>
      windowsKit(setupOf('windows-2022', { edition: { ...edition, ...more } })).evaluationDays;
    expect([days({}), days({ isServer: false }), days({ isEvaluation: false })]).toEqual([180, 90, undefined]);
  });

  test('sets the password of the answers', () => {
    const { password } = answers;
    const xml = Buffer.from(windowsKit(setupOf('windows-10')).answerFiles(answers).get('autounattend.xml') ?? []);
    expect(xml.toString().split(`<Value>${password}</Value>`).length - 1).toBe(3);
  });

  test.each([
    ['windows-xp', 'floppy', 'winnt.sif', ''],
    ['windows-2003', 'floppy', 'winnt.sif', ''],
    ['windows-7', 'iso', 'autounattend.xml', 'cygwin/'],
    ['windows-2025', 'iso', 'autounattend.xml', 'cygwin/'],
  ] as const)('%s has its answers on a medium of form %s', (kind, form, file, prefix) => {
    const kit = windowsKit(setupOf(kind));
    expect(kit.answerForm).toBe(form);
    const inCygwin = 'authorized_keys configure.sh fstab locked password ssh_host_ed25519_key';
    const cygwin = `${inCygwin} ssh_host_ed25519_key.pub verify.sh`.split(' ').map((name) => `${prefix}${name}`);
    expect([...kit.answerFiles(answers).keys()].toSorted()).toEqual(
      [file, 'cygstrap.cmd', 'cygstrap.id', ...cygwin].toSorted(),
    );
  });

  test('refuses answers without the setup program: the guest would have no Cygwin', () => {
    const kit = windowsKit(setupOf('windows-10'));
    expect(() => kit.answerFiles({ ...answers, setup: undefined })).toThrow('does not have the setup program');
  });

  test('has the files for Cygwin, with line ends of Unix', () => {
    const archives = [{ name: 'make', version: '4.4-1', path: 'make.tar.xz', sizeBytes: 1, digest: DIGEST }];
    const files = windowsKit(setupOf('windows-10')).answerFiles({ ...answers, archives });
    const texts = [...files].flatMap(([name, bytes]) =>
      name.startsWith('cygwin/') ? [[name.slice('cygwin/'.length), Buffer.from(bytes).toString()] as const] : [],
    );
    for (const [name, text] of texts) expect(text, name).toMatch(/^[^\r]*\n$/);
    expect(Object.fromEntries(texts)).toEqual({
      'configure.sh': expect.stringMatching(/^#!\/bin\/bash\n/) as string,
      'verify.sh': expect.stringMatching(/^#!\/bin\/bash\n/) as string,
      locked: 'make 4.4-1\n',
      ssh_host_ed25519_key: 'private\n',
      'ssh_host_ed25519_key.pub': 'ssh-ed25519 BBBB\n',
      authorized_keys: 'ssh-ed25519 AAAA\n',
      password: 'Cy1-0123456789abcdef\n',
      fstab: expect.stringContaining('//192.168.0.2/store /store smbfs ') as string,
    });
  });
});

test('the start of an installation prints its edition', () => {
  const { edition } = windowsKit(setupOf('windows-2022'));
  expect(edition).toMatch(/^edition \d+: .+, \d+\.\d+\.\d+.*, amd64$/);
  const start = { kind: 'stage-start', stage: 'install', key: '0123456789abcdef' } as const;
  expect(stageText(start)).toBe('install 0123456789ab: started');
  expect(stageText({ ...start, edition: 'edition 2: Windows' })).toBe(
    'install 0123456789ab: started, edition 2: Windows',
  );
});
