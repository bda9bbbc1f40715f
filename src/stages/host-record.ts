import { cpus } from 'node:os';
import { count, flag, listOf, number, objectOf, oneOf, optional, parseShaped, text } from '../core/json/shape.ts';
import type { Shape } from '../core/json/shape.ts';
import { CPU_VENDORS, DISTRIBUTION_FAMILIES, TOOL_NAMES } from '../vm/base/host.ts';
import type { Host, Qemu, ToolName } from '../vm/base/host.ts';

/** Content of `host.json`: the result of the last probe, and the processor it was made on. */
export interface HostRecord {
  readonly cpu: string;
  readonly host: Host;
}

/** Returns the model of the first processor of this host. */
export function hostCpu(): string {
  return cpus()[0]?.model ?? 'unknown';
}

const qemu: Shape<Qemu> = objectOf({
  binary: text,
  version: text,
  sizeBytes: count,
  modifiedMs: number,
  accelerators: listOf(objectOf({ name: text, works: flag, why: optional(text), cpu: text, durationMs: number })),
  machineTypes: listOf(text),
  hasIgnoreShared: flag,
  hasMappedRam: flag,
  hasMultifd: flag,
  has9p: flag,
  hasUserNetwork: flag,
  hasVde: flag,
  hasStream: flag,
});

const flash = objectOf({ path: text, format: oneOf(['raw', 'qcow2'] as const) });

// JSON leaves out fields that are undefined: tools that are not installed.
const tools = objectOf(Object.fromEntries(TOOL_NAMES.map((name) => [name, optional(text)])));

const record = objectOf({
  cpu: text,
  host: objectOf({
    architecture: text,
    cpuVendor: oneOf(CPU_VENDORS),
    kernelRelease: text,
    qemu: optional(qemu),
    firmware: optional(objectOf({ code: flash, vars: flash })),
    tools: tools as unknown as Shape<Readonly<Record<ToolName, string | undefined>>>,
    memory: objectOf({ totalBytes: count, availableBytes: count }),
    disks: listOf(objectOf({ path: text, freeBytes: count })),
    hasOwnNetworks: flag,
    distribution: objectOf({ name: text, family: optional(oneOf(DISTRIBUTION_FAMILIES)) }),
  }),
});

/** Reads and validates the content of `host.json`. Throws `io` for any other content. */
export function parseHostRecord(content: string, file: string): HostRecord {
  const { cpu, host } = parseShaped(content, record, { file, code: 'io', hint: 'remove the file' });
  return { cpu, host: { ...host, distribution: { family: undefined, ...host.distribution } } };
}
