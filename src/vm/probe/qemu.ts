import { realpath, stat } from 'node:fs/promises';
import { Duplex } from 'node:stream';
import type { Qemu, QemuIdentity } from '../host.ts';
import { startProgram } from '../../io/program.ts';
import { fieldOf } from '../qmp/commands.ts';
import { QmpSession } from '../qmp/session.ts';
import { VmError } from '../vm-error.ts';

const ANSWER_TIMEOUT_MS = 10_000;

/** Fastest first. */
const ACCELERATORS = ['kvm', 'hvf', 'nvmm', 'whpx', 'tcg'];

/** A file that QEMU may be, as the system shows it: while it is the same, so is all that was probed of it. Follows links. Throws errors
 *  of the system. */
export async function stampOf(binary: string): Promise<Omit<QemuIdentity, 'version'>> {
  const path = await realpath(binary);
  const { size, mtimeMs } = await stat(path);
  return { binary: path, sizeBytes: size, modifiedMs: Math.floor(mtimeMs) };
}

/** Asks a QEMU what it is and has, in one conversation without a machine; which of its accelerators work is for others to find out.
 *  Throws VmError where it does not answer. */
export async function askQemu(
  binary: string,
  { setpriv, signal }: { readonly setpriv: string | undefined; readonly signal?: AbortSignal | undefined },
): Promise<Omit<Qemu, 'accelerators'> & { readonly accelerators: readonly string[] }> {
  const stamp = await stampOf(binary);
  await using child = await startProgram(
    [stamp.binary, '-machine', 'none', '-nodefaults', '-no-user-config', '-display', 'none', '-qmp', 'stdio'],
    { setpriv, signal },
  );
  const stream = Duplex.from({ readable: child.stdout, writable: child.stdin });
  await using qmp = await QmpSession.over(stream, { timeoutMs: ANSWER_TIMEOUT_MS, signal });
  const ask = (name: string, args = {}): Promise<unknown> =>
    qmp.command(name, args, { timeoutMs: ANSWER_TIMEOUT_MS, signal });
  const [version, machines, capabilities, accelerators, devices, schema] = await Promise.all([
    ask('query-version'),
    ask('query-machines'),
    ask('query-migrate-capabilities'),
    ask('qom-list-types', { implements: 'accel', abstract: false }),
    ask('qom-list-types', { implements: 'device', abstract: false }),
    ask('query-qmp-schema'),
  ]);
  const capable = new Set(namesIn(capabilities, 'capability'));
  const links = linksIn(schema);
  const types = namesIn(accelerators, 'name').map((name) => name.replace(/-accel$/, ''));
  return {
    ...stamp,
    version: versionText(version),
    accelerators: ACCELERATORS.filter((name) => types.includes(name)),
    machineTypes: namesIn(machines, 'name')
      .filter((name) => /-\d+\.\d+$/.test(name))
      .sort(),
    hasIgnoreShared: capable.has('x-ignore-shared'),
    hasMappedRam: capable.has('mapped-ram'),
    hasMultifd: capable.has('multifd'),
    has9p: namesIn(devices, 'name').includes('virtio-9p-pci'),
    hasUserNetwork: links.has('user'),
    hasVde: links.has('vde'),
    hasStream: links.has('stream'),
  };
}

function versionText(answer: unknown): string {
  const parts = ['major', 'minor', 'micro'].map((name) => fieldOf(fieldOf(answer, 'qemu'), name));
  if (!parts.every((part) => typeof part === 'number')) throw new VmError('QEMU does not tell its version');
  return parts.join('.');
}

function namesIn(list: unknown, field: string): string[] {
  return listOf(list).flatMap((item) => {
    const name = fieldOf(item, field);
    return typeof name === 'string' ? [name] : [];
  });
}

/** The kinds of `-netdev`: the schema hides the names of its types, but this enumeration is known by members that it always has. */
function linksIn(schema: unknown): ReadonlySet<unknown> {
  const found = listOf(schema)
    .map((type) => listOf(fieldOf(type, 'values')))
    .find((values) => values.includes('hubport') && values.includes('socket'));
  return new Set(found);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
