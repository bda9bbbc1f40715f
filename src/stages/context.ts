import { mkdir, open, readFile, stat } from 'node:fs/promises';
import { release } from 'node:os';
import type { Report } from '../events.ts';
import type { GuestKind } from '../guest/kind.ts';
import { writeFileAtomically } from '../io/atomic-file.ts';
import { sha256OfFile } from '../io/file-digest.ts';
import { identityOf } from '../io/file-identity.ts';
import type { Host } from '../vm/base/host.ts';
import { probeHost } from '../vm/probe/probe.ts';
import { findFirmware } from '../vm/probe/firmware.ts';
import { qemuFileOf } from '../vm/probe/qemu.ts';
import { findTools } from '../vm/probe/tools.ts';
import { hostCpu, parseHostRecord } from './host-record.ts';
import type { VmPlaces } from './layout.ts';
import type { FileStamp } from './manifest.ts';
import type { TopologyName } from './topology.ts';

/** Everything that making a stage needs. */
export interface StageContext {
  readonly places: VmPlaces;
  readonly host: Host;
  readonly guest: GuestKind;
  /** How the guest is connected. The stages are the same for every topology. */
  readonly topology: TopologyName;
  /** Directory of kernels, images and saved controllers. */
  readonly cacheDir: string;
  /** Version of cygstrap. */
  readonly version: string;
  readonly report: Report;
  readonly signal: AbortSignal;
}

export interface CachedHostOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
}

/** Returns the recorded result of the last probe of this host, while QEMU, kernel and processor are the same, with the
 *  tools and the firmware that are installed now. Otherwise probes the host, which takes seconds, and records the
 *  result. Throws errors of the system and the reason of the signal. */
export async function cachedHost(places: VmPlaces, options: CachedHostOptions): Promise<Host> {
  const cached = await readHost(places.host, options);
  if (cached !== undefined) return cached;
  const host = await probeHost(options);
  if (host.qemu === undefined) return host;
  await mkdir(places.root, { recursive: true, mode: 0o700 });
  await writeFileAtomically(places.host, JSON.stringify({ cpu: hostCpu(), host }));
  return host;
}

/** Returns undefined if the record is missing, damaged or outdated. */
async function readHost(
  file: string,
  { environment }: Pick<CachedHostOptions, 'environment'>,
): Promise<Host | undefined> {
  try {
    const { cpu, host } = parseHostRecord(await readFile(file, 'utf8'), file);
    if (cpu !== hostCpu() || host.kernelRelease !== release() || host.qemu === undefined) return undefined;
    const { sizeBytes, modifiedMs } = await qemuFileOf(host.qemu.binary);
    if (sizeBytes !== host.qemu.sizeBytes || modifiedMs !== host.qemu.modifiedMs) return undefined;
    const { firmware: _, ...recorded } = host;
    const firmware = await findFirmware({ environment, qemu: host.qemu.binary });
    return { ...recorded, tools: await findTools(environment), ...(firmware !== undefined && { firmware }) };
  } catch {
    return undefined;
  }
}

/** A file that is complete and synced to the disk. */
export interface FinishedFile {
  readonly stamp: FileStamp;
  /** Changes with every later write; see `io/file-identity.ts`. */
  readonly identity: string;
}

/** Syncs a file to the disk and computes its stamp. Throws errors of the system. */
export async function finishFile(path: string): Promise<FinishedFile> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
  const identity = await identityOf(path);
  const { size } = await stat(path);
  return { stamp: { sizeBytes: size, sha256: await sha256OfFile(path) }, identity };
}
