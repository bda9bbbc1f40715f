import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { rolldown } from 'rolldown';
import { makeTree } from '../media/inspect/media.ts';
import { run } from '../media/support.ts';
import { efiApplication } from './boot/efi.ts';
import type { BootPrompt } from './boot/efi.ts';
import { fatImage } from './boot/fat.ts';
import { bootImages, CONTENTS } from './contents.ts';
import type { Contents } from './contents.ts';
import { GUEST_PROGRAMS, makeLinux } from './linux.ts';

/** Ways of the boot code to ask for a key. Microsoft's asks once. */
const BOOT_PROMPTS = {
  prompt: { prompts: 1, waitSeconds: 5, missedStarts: 0 },
  'no-prompt': { prompts: 0, waitSeconds: 0, missedStarts: 0 },
  'prompt-twice': { prompts: 2, waitSeconds: 5, missedStarts: 0 },
  'too-late': { prompts: 1, waitSeconds: 0, missedStarts: 0 },
  'too-late-twice': { prompts: 1, waitSeconds: 5, missedStarts: 2 },
} as const satisfies Readonly<Record<string, BootPrompt>>;

export interface CounterfeitOptions {
  /** A directory for the image, which has 150 MB. */
  readonly directory: string;
  /** Default: `windows-2022`. */
  readonly kind?: keyof typeof CONTENTS;
  /** What the boot code for UEFI does; the one for BIOS asks for no key. Default: `prompt`, as on Microsoft's media. */
  readonly boot?: keyof typeof BOOT_PROMPTS;
  /** A word for the counterfeit Setup. */
  readonly variant?: string;
  /** Size of a hole in the medium. */
  readonly holeBytes?: number;
  /** The program that plays Setup. Default: `setup/main.ts`. */
  readonly setup?: string;
}

/** Files below `/usr/bin` or beside it that a medium is made of, and that its Linux contains. */
export const REHEARSAL_PROGRAMS = [
  ...GUEST_PROGRAMS,
  'busybox',
  'gcc',
  'genisoimage',
  'mformat',
  'wimlib-imagex',
  '../lib/ISOLINUX/isolinux.bin',
  '../lib/syslinux/modules/bios/ldlinux.c32',
];

const KERNEL_WORDS = 'console=tty0 quiet panic=-1 setup.from=cd';
const BIOS_CODE = 'boot/etfsboot.com';
const UEFI_CODE = 'efi/microsoft/boot/efisys.bin';
const SYSLINUX = '/usr/lib/syslinux';
const ISOLINUX_CONFIG = `DEFAULT linux
PROMPT 0
LABEL linux
KERNEL /rehearsal/vmlinuz
INITRD /rehearsal/initrd
APPEND ${KERNEL_WORDS}
`;

/** Makes an ISO image that is inspected as one of Windows and installs the counterfeit. Returns its path. Its directory
 *  `rehearsal` has the Linux that plays Setup, and what that writes to the disk. */
export async function makeCounterfeitIso({
  directory,
  kind = 'windows-2022',
  boot = 'prompt',
  variant,
  holeBytes,
  setup = join(import.meta.dirname, 'setup/main.ts'),
}: CounterfeitOptions): Promise<string> {
  const { kernel, initramfs, userland, programs } = await makeLinux();
  const contents = CONTENTS[kind];
  const tree = makeTree(directory, {
    editions: contents.images,
    boot: bootImages(contents),
    files: {
      ...Object.fromEntries(contents.tags.map((path) => [path, ''])),
      'boot/isolinux/isolinux.cfg': ISOLINUX_CONFIG,
      'efi/boot/bootx64.efi': efiApplication(BOOT_PROMPTS[boot]),
      'rehearsal/cmdline': `${KERNEL_WORDS} initrd=\\linux\\initrd\0`,
      'rehearsal/disk.efi': efiApplication(BOOT_PROMPTS['no-prompt']),
      'rehearsal/images.json': JSON.stringify(imagesOf(kind, contents)),
      'rehearsal/initrd': initramfs,
      'rehearsal/windows.cpio.gz': userland,
      ...Object.fromEntries(Object.entries(programs).map(([path, content]) => [`rehearsal/root/${path}`, content])),
      ...(variant !== undefined && { 'rehearsal/variant': `${variant}\n` }),
      ...(holeBytes !== undefined && { 'sources/hole.bin': holeBytes }),
    },
  });
  const copies = {
    [BIOS_CODE]: '/usr/lib/ISOLINUX/isolinux.bin',
    'boot/isolinux/ldlinux.c32': `${SYSLINUX}/modules/bios/ldlinux.c32`,
    'rehearsal/mbr.bin': `${SYSLINUX}/mbr/mbr.bin`,
    'rehearsal/vmlinuz': kernel,
    'rehearsal/node': process.execPath,
  };
  for (const [path, source] of Object.entries(copies)) copyFileSync(source, join(tree, path));
  mkdirSync(dirname(join(tree, UEFI_CODE)), { recursive: true });
  fatImage(join(tree, UEFI_CODE), {
    'EFI/BOOT/BOOTX64.EFI': join(tree, 'efi/boot/bootx64.efi'),
    'linux/cmdline': join(tree, 'rehearsal/cmdline'),
    'linux/initrd': join(tree, 'rehearsal/initrd'),
    'linux/vmlinuz': kernel,
  });
  await bundle(setup, join(tree, 'rehearsal/setup.mjs'));
  const image = writeImage(join(directory, 'win.iso'), tree, contents.images.length === 0 ? 'legacy' : 'windows');
  rmSync(tree, { recursive: true });
  return image;
}

/** What the counterfeit Setup knows of the editions of its medium. */
function imagesOf(kind: string, { images, productKey }: Contents): unknown {
  return {
    kind,
    arch: images.length === 0 ? 'x86' : 'amd64',
    setupLanguage: 'en-US',
    productKey,
    images: images.map(({ name, editionId }, i) => ({ index: i + 1, name, editionId })),
  };
}

async function bundle(input: string, file: string): Promise<void> {
  const bundled = await rolldown({ input, platform: 'node' });
  try {
    await bundled.write({ file, format: 'esm', codeSplitting: false });
  } finally {
    await bundled.close();
  }
}

/** Options of genisoimage for boot code. */
const BIOS_BOOT = `-b ${BIOS_CODE} -no-emul-boot -boot-load-size 4 -boot-info-table`;
const UEFI_BOOT = `-eltorito-alt-boot -e ${UEFI_CODE} -no-emul-boot`;

/** File systems and boot code of media. */
const FORMATS = {
  windows: `-udf -iso-level 3 -allow-limited-size -V SSS_X64FREE_EN-US_DV9 ${BIOS_BOOT} ${UEFI_BOOT}`,
  legacy: `-J -joliet-long -iso-level 3 -V GRTMPVOL_EN ${BIOS_BOOT}`,
} as const;

/** Writes an image of a directory. Holes stay holes. */
function writeImage(image: string, tree: string, format: keyof typeof FORMATS): string {
  const script =
    'image=$1; shift; genisoimage -quiet "$@" | dd "of=$image" bs=64K iflag=fullblock conv=sparse status=none';
  run('bash', '-o', 'pipefail', '-c', script, 'sh', image, ...FORMATS[format].split(' '), tree);
  return image;
}
