import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from '../../io/atomic-file.ts';
import type { Report } from '../../events.ts';
import { acceleratorOf, machineTypeOf } from '../../vm/argv.ts';
import type { Host } from '../../vm/base/host.ts';
import { saveMemory } from '../../vm/memory-image.ts';
import { makeRunDirectory } from '../../vm/run-directory.ts';
import { startMachine } from '../../vm/start.ts';
import { requireQemu } from '../../vm/base/require.ts';
import { waitForMarker } from '../console.ts';
import { markUsed, publish } from '../linux/image-store.ts';
import type { SmbPolicy } from '../shares.ts';
import type { ControllerImage } from './image.ts';
import { controllerMachine } from './machine.ts';

/** A booted controller that waits for orders, saved as files. Resuming it takes a fraction of a boot. */
export interface SavedController {
  readonly memory: string;
  readonly state: string;
}

const FILES = { memory: 'ram', state: 'state' } as const;
const BOOT_TIMEOUT_MS = 120_000;
const SAVE_TIMEOUT_MS = 60_000;

export interface SaveOptions {
  readonly image: ControllerImage;
  /** Its smbd is running, so there is one saved controller for each policy. */
  readonly smb: SmbPolicy;
  readonly cacheDir: string;
  readonly report?: Report | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Finds a saved controller for this image and this host's QEMU in the cache, or boots one and saves it. Throws
 *  VmError, GuestError `guest`, and the reason of the signal. */
export async function savedController(host: Host, options: SaveOptions): Promise<SavedController> {
  const { image, smb, cacheDir, report, signal } = options;
  const parent = join(cacheDir, 'controllers');
  const home = join(parent, await keyOf(host, { image, smb }));
  const saved = filesOf(home);
  if (await isThere(saved)) {
    await markUsed(home);
    return saved;
  }
  report?.({ kind: 'note', message: 'booting a controller once; later runs resume it' });
  await mkdir(parent, { recursive: true });
  await publish(parent, home, async (part) => {
    await mkdir(part);
    await bootAndSave(host, filesOf(part), { image, smb, signal, report });
  });
  return saved;
}

/** Deletes a saved controller that cannot be resumed. */
export async function removeSavedController({ memory }: SavedController): Promise<void> {
  const home = join(memory, '..');
  const gone = `${home}.gone-${process.pid}`;
  await replaceFile(home, gone).catch(() => {});
  await rm(gone, { recursive: true, force: true });
}

async function bootAndSave(
  host: Host,
  saved: SavedController,
  { image, smb, signal, report }: Omit<SaveOptions, 'cacheDir'>,
): Promise<void> {
  await using run = await makeRunDirectory();
  // Any directory works: an unused device has no state in the image.
  const empty = join(run.path, 'empty');
  await mkdir(empty);
  const spec = controllerMachine({
    image,
    smb,
    directories: { store: empty, xchg: empty, jobs: empty },
    link: { kind: 'none' },
    orders: { kind: 'wait' },
    memory: { kind: 'file', path: saved.memory, isShared: true },
    start: 'running',
  });
  await using machine = await startMachine(spec, host, { directory: run.path, signal, report });
  await waitForMarker(machine, 'waiting', { timeoutMs: BOOT_TIMEOUT_MS, signal });
  await saveMemory(machine, { path: saved.state, compression: { kind: 'none' }, timeoutMs: SAVE_TIMEOUT_MS, signal });
  await machine.quit();
}

/** Returns a hash of everything that a memory image depends on. */
async function keyOf(host: Host, { image, smb }: Pick<SaveOptions, 'image' | 'smb'>): Promise<string> {
  const qemu = requireQemu(host);
  const { cpu, memory, boot, nics, extraArguments } = controllerMachine({
    image,
    smb,
    directories: { store: '', xchg: '', jobs: '' },
    link: { kind: 'none' },
    orders: { kind: 'wait' },
    memory: { kind: 'private' },
    start: 'running',
  });
  const kernel = createHash('sha256')
    .update(await readFile(image.kernel.image))
    .digest('hex');
  const { binary, version, sizeBytes, modifiedMs } = qemu;
  const parts = [
    kernel,
    image.initramfs.key,
    { binary, version, sizeBytes, modifiedMs },
    machineTypeOf({ family: 'pc' }, qemu),
    acceleratorOf({}, qemu),
    cpu,
    memory,
    boot.kind === 'kernel' ? boot.append : '',
    nics,
    extraArguments,
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}

function filesOf(home: string): SavedController {
  return { memory: join(home, FILES.memory), state: join(home, FILES.state) };
}

async function isThere({ memory, state }: SavedController): Promise<boolean> {
  const found = await Promise.all([memory, state].map((path) => stat(path).catch(() => undefined)));
  return found.every((file) => file !== undefined && file.size > 0);
}
