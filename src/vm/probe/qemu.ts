import { realpath, stat } from 'node:fs/promises';
import { Duplex } from 'node:stream';
import type { Qemu, QemuIdentity } from '../base/host.ts';
import { startProgram } from '../../io/program.ts';
import { fieldOf, listOf } from '../qmp/values.ts';
import { QmpSession } from '../qmp/session.ts';
import { VmError } from '../base/vm-error.ts';

const ANSWER_TIMEOUT_MS = 10_000;

/** All that QEMU can have, fastest first. */
const ACCELERATORS = ['kvm', 'hvf', 'nvmm', 'whpx', 'tcg'];

/** Returns the path, size and time of a QEMU program; the results of its probe are valid while they are the same.
 *  Follows symbolic links. Throws errors of the system. */
export async function qemuFileOf(binary: string): Promise<Omit<QemuIdentity, 'version'>> {
  const path = await realpath(binary);
  const { size, mtimeMs } = await stat(path);
  return { binary: path, sizeBytes: size, modifiedMs: Math.floor(mtimeMs) };
}

/** Queries the version and features of a QEMU without a machine. It lists the built-in accelerators, without a test
 *  whether they work. Throws VmError if it does not respond. */
export async function queryQemu(
  binary: string,
  { signal }: { readonly signal?: AbortSignal | undefined },
): Promise<Omit<Qemu, 'accelerators'> & { readonly accelerators: readonly string[] }> {
  const file = await qemuFileOf(binary);
  await using child = await startProgram(
    [file.binary, '-machine', 'none', '-nodefaults', '-no-user-config', '-display', 'none', '-qmp', 'stdio'],
    { signal },
  );
  const stream = Duplex.from({ readable: child.stdout, writable: child.stdin });
  await using qmp = await QmpSession.over(stream, { timeoutMs: ANSWER_TIMEOUT_MS, signal });
  const query = (name: string, args = {}): Promise<unknown> =>
    qmp.command(name, args, { timeoutMs: ANSWER_TIMEOUT_MS, signal });
  const [version, machines, capabilities, accelerators, devices, schema] = await Promise.all([
    query('query-version'),
    query('query-machines'),
    query('query-migrate-capabilities'),
    query('qom-list-types', { implements: 'accel', abstract: false }),
    query('qom-list-types', { implements: 'device', abstract: false }),
    query('query-qmp-schema'),
  ]);
  const capabilityNames = new Set(fieldsOf(capabilities, 'capability'));
  const links = linksIn(schema);
  const types = fieldsOf(accelerators, 'name').map((name) => name.replace(/-accel$/, ''));
  return {
    ...file,
    version: versionText(version),
    accelerators: ACCELERATORS.filter((name) => types.includes(name)),
    machineTypes: fieldsOf(machines, 'name')
      .filter((name) => /-\d+\.\d+$/.test(name))
      .sort(),
    hasIgnoreShared: capabilityNames.has('x-ignore-shared'),
    hasMappedRam: capabilityNames.has('mapped-ram'),
    hasMultifd: capabilityNames.has('multifd'),
    has9p: fieldsOf(devices, 'name').includes('virtio-9p-pci'),
    hasUserNetwork: links.has('user'),
    hasVde: links.has('vde'),
    hasStream: links.has('stream'),
  };
}

function versionText(answer: unknown): string {
  const parts = ['major', 'minor', 'micro'].map((name) => fieldOf(fieldOf(answer, 'qemu'), name));
  if (!parts.every((part) => typeof part === 'number')) throw new VmError('QEMU returned no version');
  return parts.join('.');
}

function fieldsOf(list: unknown, field: string): string[] {
  return listOf(list).flatMap((item) => {
    const name = fieldOf(item, field);
    return typeof name === 'string' ? [name] : [];
  });
}

/** Returns the kinds of `-netdev`. The schema hides the names of its types; this enumeration is recognized by
 *  members that it always has. */
function linksIn(schema: unknown): ReadonlySet<unknown> {
  const found = listOf(schema)
    .map((type) => listOf(fieldOf(type, 'values')))
    .find((values) => values.includes('hubport') && values.includes('socket'));
  return new Set(found);
}
