import { constants } from 'node:fs';
import { access, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from '../../io/atomic-file.ts';
import type { Report } from '../../events.ts';
import { GuestError } from '../guest-error.ts';
import { publish } from './image-store.ts';
import { findProgram, ProgramError, runProgram, stderrText } from '../../io/program.ts';

const QUERY_TIMEOUT_MS = 60_000;
const DOWNLOAD_TIMEOUT_MS = 30 * 60_000;

/** A kernel for direct boot with its modules. */
export interface Kernel {
  readonly version: string;
  /** The compressed image, readable by this user. */
  readonly image: string;
  /** `.../lib/modules/VERSION`. */
  readonly modulesDir: string;
}

export interface KernelPlaces {
  /** Cache directory. Kernels are below `kernels/VERSION`, as `boot/vmlinuz-VERSION` and `lib/modules/VERSION`. */
  readonly cacheDir: string;
  /** Root directory of the host. Default: `/`. */
  readonly root?: string;
  readonly report?: Report | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A module that kernels for cloud machines lack. Its presence identifies a general kernel. */
const TELLTALE = /^(9p|e1000)\.ko/;
/** Parts of a kernel package that our guests do not need: half of its size. */
const UNUSED = [
  'sound',
  'drivers/gpu',
  'drivers/media',
  'drivers/infiniband',
  'drivers/net/wireless',
  'drivers/staging',
  'drivers/iio',
];

/** Finds a kernel for Linux guests: a cached one, else the host's own if its image is readable, else the kernel
 *  package of Debian or Ubuntu, downloaded by `apt-get` and unpacked into the cache, which needs no root. Prefers the
 *  newest. Throws GuestError `tool` if there is none. */
export async function findKernel({ cacheDir, root = '/', report, signal }: KernelPlaces): Promise<Kernel> {
  const kept = join(cacheDir, 'kernels');
  const present = (await kernelsKept(kept)) ?? (await kernelOf(root));
  if (present !== undefined) return present;
  const programs = await Promise.all([findProgram('apt-get'), findProgram('apt-cache'), findProgram('dpkg-deb')]);
  if (programs.includes(undefined)) {
    throw new GuestError('tool', 'no kernel for a Linux guest: no readable `/boot/vmlinuz-*` with matching modules', {
      hint:
        'make the kernel of the host readable (`chmod a+r /boot/vmlinuz-*`), or put a kernel into ' +
        `\`${kept}/VERSION\`, as \`boot/vmlinuz-VERSION\` and \`lib/modules/VERSION\`; ` +
        '`cygstrap doctor` lists the programs that download one',
    });
  }
  report?.({ kind: 'note', message: 'downloading a kernel for Linux guests, 70 MB, once' });
  return fetchKernel(kept, signal);
}

async function kernelsKept(kept: string): Promise<Kernel | undefined> {
  const versions = (await readdir(kept).catch(() => [])).filter((name) => !name.startsWith('.'));
  for (const version of newestFirst(versions)) {
    const kernel = await kernelOf(join(kept, version));
    if (kernel !== undefined) return kernel;
  }
  return undefined;
}

/** Returns the newest usable kernel below a root directory. */
async function kernelOf(root: string): Promise<Kernel | undefined> {
  const versions = await readdir(join(root, 'lib/modules')).catch(() => []);
  for (const version of newestFirst(versions)) {
    const modulesDir = join(root, 'lib/modules', version);
    // Fedora and NixOS keep the image beside the modules.
    for (const image of [join(root, 'boot', `vmlinuz-${version}`), join(modulesDir, 'vmlinuz')]) {
      if ((await isReadable(image)) && (await isGeneral(modulesDir))) return { version, image, modulesDir };
    }
  }
  return undefined;
}

function newestFirst(versions: readonly string[]): string[] {
  return versions.toSorted((a, b) => b.localeCompare(a, 'en', { numeric: true }));
}

async function isReadable(path: string): Promise<boolean> {
  return access(path, constants.R_OK).then(
    () => true,
    () => false,
  );
}

async function isGeneral(modulesDir: string): Promise<boolean> {
  const places = ['kernel/fs/9p', 'kernel/drivers/net/ethernet/intel/e1000'];
  const found = await Promise.all(
    places.map(async (place) =>
      (await readdir(join(modulesDir, place)).catch(() => [])).some((name) => TELLTALE.test(name)),
    ),
  );
  return found.every(Boolean);
}

async function fetchKernel(kept: string, signal: AbortSignal | undefined): Promise<Kernel> {
  await mkdir(kept, { recursive: true });
  const name = await kernelPackage(signal);
  const version = name.replace(/^linux-image-(unsigned-)?/, '');
  const home = join(kept, version);
  await publish(kept, home, async (part) => {
    const downloads = `${part}.deb`;
    await mkdir(downloads);
    for (const each of await packagesToFetch(name, version, signal)) await download(each, downloads, signal);
    for (const file of await readdir(downloads))
      await runProgram(['dpkg-deb', '-x', join(downloads, file), part], { timeoutMs: DOWNLOAD_TIMEOUT_MS, signal });
    await slim(part, version);
  });
  const kernel = await kernelOf(home);
  if (kernel === undefined)
    throw new GuestError('tool', `the package \`${name}\` contains no usable kernel`, { details: { directory: home } });
  return kernel;
}

/** Returns the name of the newest general kernel package: the dependency of Debian's `linux-image-amd64` or Ubuntu's
 *  `linux-image-generic`. */
async function kernelPackage(signal: AbortSignal | undefined): Promise<string> {
  for (const meta of ['linux-image-amd64', 'linux-image-generic']) {
    const output = await aptCache(['depends', '--important', meta], signal);
    const name = /Depends: (linux-image-(?:unsigned-)?\d\S*)/.exec(output)?.[1];
    if (name !== undefined) return name;
  }
  throw new GuestError('tool', 'no kernel package found by apt', { hint: 'run `apt-get update`' });
}

/** Ubuntu has the modules in separate packages. */
async function packagesToFetch(name: string, version: string, signal: AbortSignal | undefined): Promise<string[]> {
  const modules = [`linux-modules-${version}`, `linux-modules-extra-${version}`];
  const known = await Promise.all(
    modules.map(async (each) => ((await aptCache(['show', each], signal)) === '' ? [] : [each])),
  );
  return [name, ...known.flat()];
}

/** Returns the output of `apt-cache`, empty if it fails. Throws the reason of the signal. */
async function aptCache(args: readonly string[], signal: AbortSignal | undefined): Promise<string> {
  try {
    return (await runProgram(['apt-cache', ...args], { timeoutMs: QUERY_TIMEOUT_MS, signal })).toString();
  } catch (error) {
    if (error instanceof ProgramError) return '';
    throw error;
  }
}

async function download(name: string, directory: string, signal: AbortSignal | undefined): Promise<void> {
  try {
    await runProgram(['apt-get', '-q', 'download', name], { directory, timeoutMs: DOWNLOAD_TIMEOUT_MS, signal });
  } catch (cause) {
    if (!(cause instanceof ProgramError)) throw cause;
    throw new GuestError('tool', `cannot download the package \`${name}\`${stderrText(cause.details.stderrTail)}`, {
      hint: 'run `apt-get update` and try again',
      cause,
    });
  }
}

/** Moves the modules to `lib`, where all distributions have them, and removes what guests do not need. */
async function slim(tree: string, version: string): Promise<void> {
  const usrModules = join(tree, 'usr/lib/modules');
  if ((await stat(usrModules).catch(() => undefined)) !== undefined) {
    await mkdir(join(tree, 'lib'), { recursive: true });
    await replaceFile(usrModules, join(tree, 'lib/modules'));
  }
  for (const each of UNUSED)
    await rm(join(tree, 'lib/modules', version, 'kernel', each), { recursive: true, force: true });
}
