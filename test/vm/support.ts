import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { MachineSpec } from '../../src/vm/base/spec.ts';

/** Creates a directory with a short path that is removed after the test. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'vm-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Returns the spec of a machine with one disk. */
export function tinyMachine(disk: string, more: Partial<MachineSpec> = {}): MachineSpec {
  return {
    name: 'tiny',
    family: 'pc',
    firmware: { kind: 'bios' },
    cpu: 'qemu64',
    cpus: 1,
    memory: { sizeMiB: 16, backing: { kind: 'private' } },
    disks: [{ id: 'disk0', bus: 'ide', source: { kind: 'file', path: disk, format: 'raw', writes: 'throw-away' } }],
    cdroms: [],
    floppies: [],
    boot: { kind: 'disk' },
    nics: [],
    shares: [],
    graphics: { kind: 'none' },
    pointer: 'ps2',
    clock: { base: 'utc', runsBy: 'vm' },
    start: 'running',
    onReset: 'exit',
    hasPanicDevice: false,
    extraArguments: [],
    ...more,
  };
}

/** Returns whether a process is running; false for a zombie. */
export function runs(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Waits until a condition is true. */
export async function until(condition: () => boolean, timeoutMs = 5000): Promise<void> {
  const untilMs = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() > untilMs) throw new Error('the condition did not become true in time');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
