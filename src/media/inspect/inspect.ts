import { BOOT_WIM, bootAnswersOf } from './boot-answers.ts';
import { damaged, ImageFile } from './image-file.ts';
import { openIso9660 } from './iso9660.ts';
import { refuseOthers, unsupported } from './recognize.ts';
import { hasUdf, openUdf } from './udf.ts';
import { find } from './volume.ts';
import type { Volume, VolumeEntry } from './volume.ts';
import { readWimHeader, readWimXml, WIM_HEADER_BYTES } from './wim.ts';
import type { WimHeader, WimImage } from './wim.ts';
import { editionOf } from './windows.ts';
import type { WindowsMedium } from './windows.ts';
import { oldEditionOf } from './windows-xp.ts';

/** Where Setup looks for its editions. */
const INSTALL_FILES = ['sources/install.wim', 'sources/install.esd', 'sources/install.swm'];

/** Answer files that Setup, or a tool that wrote the medium, puts there. */
const ANSWER_FILES = [
  'autounattend.xml',
  'unattend.xml',
  'sources/autounattend.xml',
  'sources/unattend.xml',
  'sources/$OEM$/$$/Panther/unattend.xml',
  'i386/winnt.sif',
];

/** Directories and files of media of Linux. */
const LINUX = ['casper', 'isolinux', 'LiveOS', 'live', '.disk', 'arch', 'boot/grub', 'EFI/BOOT/grub.cfg'];

const MOST_PARTS = 64;
const MOST_INI_BYTES = 64 * 1024;

/** Reads what a Windows installation medium is, without mounting it: about 1 MiB of it. Throws `unsupported` for
 *  a file that is something else or that cannot become a guest, `damaged`, and `io`. */
export async function inspectMedium(path: string): Promise<WindowsMedium> {
  const image = await ImageFile.open(path);
  try {
    await refuseOthers(image);
    const iso = await openIso9660(image);
    const volume = (await hasUdf(image)) ? await openUdf(image) : (iso?.joliet ?? iso?.primary);
    if (volume === undefined) throw unsupported(path, 'not an image of a disc', 'use an ISO image of Windows');
    const medium = {
      path,
      sizeBytes: image.sizeBytes,
      format: volume.format,
      label: volume.label,
      boot: iso?.boot ?? { bios: false, uefi: false },
      answerFiles: await existing(volume, ANSWER_FILES),
      unchecked: [],
    };
    const old = await oldEditionOf(volume);
    if (old !== undefined) return { ...medium, sources: [old.directory], setupLanguage: null, editions: [old.edition] };
    const { boot, ...editions } = await readEditions(volume);
    const { answerFiles, unchecked } = await bootAnswersOf(volume, boot);
    return { ...medium, ...editions, answerFiles: [...medium.answerFiles, ...answerFiles], unchecked };
  } finally {
    await image.close();
  }
}

async function existing(volume: Volume, paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) if ((await find(volume, path)) !== undefined) found.push(path);
  return found;
}

interface SetupFiles extends Pick<WindowsMedium, 'sources' | 'setupLanguage' | 'editions'> {
  readonly boot: VolumeEntry;
}

async function readEditions(volume: Volume): Promise<SetupFiles> {
  const boot = await find(volume, BOOT_WIM);
  const [source] = await existing(volume, INSTALL_FILES);
  if (source === undefined) throw await noEditions(volume, boot !== undefined);
  if (boot === undefined)
    throw unsupported(
      volume.image.path,
      `not a Setup medium: it has \`${source}\`, but no \`${BOOT_WIM}\``,
      'use an ISO image of Windows',
    );
  const { header, images } = await readWim(volume, source);
  const editions = images.flatMap((image) => editionOf(image) ?? []);
  if (editions.length === 0) throw damaged(`\`${source}\` has no edition of Windows`);
  const foreign = editions.find(({ arch }) => arch !== 'x86' && arch !== 'amd64');
  if (foreign !== undefined)
    throw unsupported(
      volume.image.path,
      `a medium for ${foreign.arch}`,
      'use the medium for x64: cygstrap runs guests for x86 and x64 only',
    );
  return {
    sources: header.parts > 1 ? await partsOf(volume, source, header.parts) : [source],
    setupLanguage: (await setupLanguageOf(volume, boot)) ?? null,
    editions,
    boot,
  };
}

async function noEditions(volume: Volume, hasBoot: boolean): Promise<Error> {
  const { path } = volume.image;
  if ((await existing(volume, ['x86/sources/install.wim', 'x86/sources/install.esd', 'x64/sources'])).length > 0)
    return unsupported(path, 'a medium with Windows for x86 and for x64', 'use a medium for one of them');
  if (hasBoot)
    return unsupported(
      path,
      'a Windows PE or recovery medium: it has no edition of Windows',
      'use an ISO image of Windows',
    );
  if ((await existing(volume, LINUX)).length > 0)
    return unsupported(path, 'a Linux medium', 'use an ISO image of Windows');
  return unsupported(path, 'not a Windows installation medium', 'use an ISO image of Windows');
}

async function partsOf(volume: Volume, first: string, parts: number): Promise<string[]> {
  if (parts > MOST_PARTS) throw damaged(`\`${first}\` has ${parts} parts`);
  const stem = first.replace(/\.swm$/, '');
  const paths = Array.from({ length: parts }, (_, i) => (i === 0 ? first : `${stem}${i + 1}.swm`));
  const found = await existing(volume, paths);
  const missing = paths.find((path) => !found.includes(path));
  if (missing !== undefined) throw damaged(`\`${missing}\` is missing, part of ${parts}`);
  return paths;
}

async function readWim(volume: Volume, path: string): Promise<{ header: WimHeader; images: WimImage[] }> {
  const file = await find(volume, path);
  if (file === undefined || file.isDirectory) throw damaged(`\`${path}\` is not a file`);
  const header = readWimHeader(await read(volume, file, 0, WIM_HEADER_BYTES), path);
  const { startByte, storedBytes } = header.xml;
  return { header, images: readWimXml(await read(volume, file, startByte, storedBytes), path) };
}

/** The language of Setup: that of `sources/lang.ini`, otherwise of the Windows PE that Setup runs in. */
async function setupLanguageOf(volume: Volume, boot: VolumeEntry): Promise<string | undefined> {
  const ini = await find(volume, 'sources/lang.ini');
  if (ini !== undefined && !ini.isDirectory) {
    const { sizeBytes } = await ini.content();
    const text = (await read(volume, ini, 0, Math.min(sizeBytes, MOST_INI_BYTES))).toString('latin1');
    const [, language] = /^\[Available UI Languages\]\s*^\s*([a-z]{2,3}(?:-\w+)*)\s*=/im.exec(text) ?? [];
    if (language !== undefined) return language;
  }
  const { sizeBytes } = await boot.content();
  if (sizeBytes < WIM_HEADER_BYTES) throw damaged(`\`${BOOT_WIM}\` is cut short`);
  const { images } = await readWim(volume, BOOT_WIM);
  return images.at(-1)?.windows?.languages[0];
}

async function read({ image }: Volume, file: VolumeEntry, offset: number, sizeBytes: number): Promise<Buffer> {
  return image.bytesOf((await file.content()).extents, offset, sizeBytes);
}
