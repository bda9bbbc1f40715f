import { access, mkdir, open, readFile, stat } from 'node:fs/promises';
import { cpus, release } from 'node:os';
import { writeFileAtomically } from '../io/atomic-file.ts';
import type { Report } from '../events.ts';
import type { GuestKind } from '../guest/kind.ts';
import { sha256OfFile } from '../io/file-digest.ts';
import { identityOf } from '../io/file-identity.ts';
import type { Host } from '../vm/host.ts';
import { probeHost } from '../vm/probe/probe.ts';
import { stampOf } from '../vm/probe/qemu.ts';
import { VmError } from '../vm/vm-error.ts';
import type { VmPlaces } from './layout.ts';
import type { FileStamp } from './manifest.ts';
import type { TopologyName } from './topology.ts';

/** What every stage is made with. */
export interface StageContext {
  readonly places: VmPlaces;
  readonly host: Host;
  readonly guest: GuestKind;
  /** How guests are plugged in; it makes no difference to what is made. */
  readonly topology: TopologyName;
  /** Where kernels, images and saved controllers are kept. */
  readonly cacheDir: string;
  /** Of cygstrap. */
  readonly version: string;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** The processor of this host, where its kind matters. */
export function hostCpu(): string {
  return cpus()[0]?.model ?? 'unknown';
}

export interface KnownHostOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What is needed: of these, one that was missing is looked for again. */
  readonly tools: readonly (keyof Host['tools'])[];
  readonly signal?: AbortSignal;
}

/** What the probe found the last time, while QEMU, kernel and processor are the same; else what it finds now, which takes seconds. */
export async function knownHost(places: VmPlaces, options: KnownHostOptions): Promise<Host> {
  const kept = await readHost(places.host, options.tools);
  if (kept !== undefined) return kept;
  const host = await probeHost(options);
  if (host.qemu === undefined) return host;
  await mkdir(places.root, { recursive: true, mode: 0o700 });
  await writeFileAtomically(places.host, JSON.stringify({ cpu: hostCpu(), host }));
  return host;
}

async function readHost(path: string, tools: KnownHostOptions['tools']): Promise<Host | undefined> {
  try {
    const { cpu, host } = JSON.parse(await readFile(path, 'utf8')) as { cpu: string; host: Host };
    if (cpu !== hostCpu() || host.kernelRelease !== release() || host.qemu === undefined) return undefined;
    if (tools.some((name) => host.tools[name] === undefined)) return undefined;
    for (const path of Object.values(host.tools)) if (path !== undefined) await access(path);
    const { sizeBytes, modifiedMs } = await stampOf(host.qemu.binary);
    return sizeBytes === host.qemu.sizeBytes && modifiedMs === host.qemu.modifiedMs ? host : undefined;
  } catch {
    // Not there, or not what we write now.
    return undefined;
  }
}

/** Path of a tool that a stage cannot do without. Throws VmError. */
export function requireTool({ tools }: Host, name: keyof Host['tools']): string {
  const path = tools[name];
  if (path === undefined)
    throw new VmError(`\`${name}\` is not installed`, { hint: '`cygstrap doctor` tells how to install it' });
  return path;
}

/** A file that will not change any more. */
export interface FinishedFile {
  readonly stamp: FileStamp;
  /** What a write from now on would change. */
  readonly identity: string;
}

/** Finishes a file: it survives a loss of power from here on. */
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
