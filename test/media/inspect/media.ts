import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from '../support.ts';

/** An image of a WIM: what its XML says. */
export interface ImageProperties {
  readonly name: string;
  readonly editionId?: string;
  /** `Client`, `Server`, `Server Core` or `WindowsPE`. */
  readonly installationType?: string;
  readonly version?: readonly [number, number, number, number];
  /** 0 x86, 9 amd64, 12 arm64. */
  readonly arch?: number;
  readonly language?: string;
  /** Further files of the image, by path. */
  readonly files?: Readonly<Record<string, string>>;
}

export interface MediumParts {
  /** Images of `sources/install.*`; none: no such file. */
  readonly editions?: readonly ImageProperties[];
  readonly form?: 'wim' | 'esd' | 'swm';
  /** Images of `sources/boot.wim`; none: no such file. */
  readonly boot?: readonly ImageProperties[];
  /** Compression of `boot.wim` by wimlib-imagex. */
  readonly bootCompression?: 'LZX' | 'XPRESS' | 'LZMS' | 'none';
  /** By path; a number is the size of a hole. */
  readonly files?: Readonly<Record<string, string | Uint8Array | number>>;
}

/** What Microsoft's Server 2022 evaluation medium has. */
export const SERVER_2022: readonly ImageProperties[] = [
  ['Windows Server 2022 Standard Evaluation', 'ServerStandardEval', 'Server Core'],
  ['Windows Server 2022 Standard Evaluation (Desktop Experience)', 'ServerStandardEval', 'Server'],
  ['Windows Server 2022 Datacenter Evaluation', 'ServerDatacenterEval', 'Server Core'],
  ['Windows Server 2022 Datacenter Evaluation (Desktop Experience)', 'ServerDatacenterEval', 'Server'],
].map(([name = '', editionId = '', installationType = '']) => ({
  name,
  editionId,
  installationType,
  version: [10, 0, 20348, 587],
}));

export const BOOT: readonly ImageProperties[] = [
  { name: 'Microsoft Windows PE (amd64)', installationType: 'WindowsPE', version: [10, 0, 20348, 587] },
  { name: 'Microsoft Windows Setup (amd64)', installationType: 'WindowsPE', version: [10, 0, 20348, 587] },
];

/** Writes the files of a medium into `dir/tree`, and returns that directory. Needs wimlib-imagex. */
export function makeTree(
  dir: string,
  { editions = [], form = 'wim', boot = [], bootCompression = 'LZX', files = {} }: MediumParts,
): string {
  const tree = join(dir, 'tree');
  mkdirSync(join(tree, 'sources'), { recursive: true });
  writeFiles(tree, files);
  if (boot.length > 0) makeWim(dir, join(tree, 'sources/boot.wim'), boot, 10, bootCompression);
  if (editions.length === 0) return tree;
  const wim = join(form === 'wim' ? join(tree, 'sources') : dir, 'install.wim');
  // The parts of a split WIM have at least 1 MB.
  makeWim(dir, wim, editions, form === 'swm' ? 900_000 : 10);
  if (form === 'esd') run('wimlib-imagex', 'export', '--solid', wim, 'all', join(tree, 'sources/install.esd'));
  if (form === 'swm') run('wimlib-imagex', 'split', wim, join(tree, 'sources/install.swm'), '1');
  return tree;
}

function writeFiles(directory: string, files: Readonly<Record<string, string | Uint8Array | number>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), typeof content === 'number' ? '' : content);
    if (typeof content === 'number') truncateSync(join(directory, path), content);
  }
}

function makeWim(
  dir: string,
  wim: string,
  images: readonly ImageProperties[],
  noiseBytes: number,
  compression = 'LZX',
): void {
  const content = join(dir, 'content');
  const noises = Object.fromEntries([1, 2, 3].map((i) => [`noise${i}`, noise(noiseBytes, i)]));
  images.forEach((image, i) => {
    rmSync(content, { recursive: true, force: true });
    writeFiles(content, { ...noises, ...image.files });
    const { name, editionId, installationType, version, arch = 9, language = 'en-US' } = image;
    const properties = {
      DISPLAYNAME: name,
      'WINDOWS/ARCH': arch,
      'WINDOWS/EDITIONID': editionId,
      'WINDOWS/INSTALLATIONTYPE': installationType,
      'WINDOWS/LANGUAGES/DEFAULT': language,
      'WINDOWS/LANGUAGES/LANGUAGE': language,
      'WINDOWS/VERSION/MAJOR': version?.[0],
      'WINDOWS/VERSION/MINOR': version?.[1],
      'WINDOWS/VERSION/BUILD': version?.[2],
      'WINDOWS/VERSION/SPBUILD': version?.[3],
    };
    const options = Object.entries(properties).flatMap(([key, value]) =>
      value === undefined ? [] : [`--image-property=${key}=${value}`],
    );
    const how = i === 0 ? ['capture', `--compress=${compression}`] : ['append'];
    run('wimlib-imagex', ...how, content, wim, `${name} ${i}`, ...options);
  });
}

function noise(size: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let i = 0, state = seed; i < size; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[i] = state >>> 16;
  }
  return bytes;
}

/** Writes an image with UDF 1.02 and ISO 9660, as `genisoimage` makes it; it can be started by BIOS and by UEFI. */
export function makeUdf(dir: string, tree: string, name = 'win.iso'): string {
  const image = join(dir, name);
  writeFileSync(join(tree, 'etfsboot.com'), new Uint8Array(2048));
  writeFileSync(join(tree, 'efisys.bin'), new Uint8Array(4096));
  const options =
    '-quiet -udf -iso-level 3 -allow-limited-size -V SSS_X64FREE_EN-US_DV9 -b etfsboot.com -no-emul-boot ' +
    '-boot-load-size 8 -eltorito-alt-boot -e efisys.bin -no-emul-boot';
  run('genisoimage', ...options.split(' '), '-o', image, tree);
  return image;
}

/** Writes an image with ISO 9660 and Joliet, without UDF. */
export function makeIso(dir: string, tree: string, name = 'win.iso'): string {
  const image = join(dir, name);
  run('xorriso', '-as', 'mkisofs', '-quiet', '-J', '-joliet-long', '-V', 'GRTMPVOL_EN', '-o', image, tree);
  return image;
}
