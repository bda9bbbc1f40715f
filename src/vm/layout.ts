import { join } from 'node:path/posix';
import { VmError } from './vm-error.ts';

/** The longest path that fits the address of a unix socket. */
const LONGEST_SOCKET_PATH_BYTES = 107;

/** The files of a machine while it runs. */
export interface MachineFiles {
  /** Socket on which QEMU takes commands. */
  readonly qmp: string;
  /** All that came out of the serial port. */
  readonly consoleLog: string;
  /** Socket through which a memory image goes. */
  readonly migration: string;
  /** A screen, before it is a picture that others can read. */
  readonly screen: string;
  /** What the names of the files behind empty disks begin with. */
  readonly emptyDiskStem: string;
}

/** Names the files of a machine in the directory it runs in; the name keeps those of several machines apart. */
export function filesOf(name: string, directory: string): MachineFiles {
  return {
    qmp: join(directory, `${name}.qmp`),
    consoleLog: join(directory, `${name}.console.log`),
    migration: join(directory, `${name}.migration`),
    screen: join(directory, `${name}.ppm`),
    emptyDiskStem: join(directory, `${name}.empty-`),
  };
}

/** Names the file behind an empty disk. */
export function emptyDiskPath({ emptyDiskStem }: Pick<MachineFiles, 'emptyDiskStem'>, diskId: string): string {
  return `${emptyDiskStem}${diskId}.raw`;
}

/** Gives back a path that a unix socket can have. Throws VmError for one that is too long. */
export function socketPath(path: string): string {
  const sizeBytes = new TextEncoder().encode(path).length;
  if (sizeBytes <= LONGEST_SOCKET_PATH_BYTES) return path;
  throw new VmError(
    `the path of a socket is too long: ${sizeBytes} bytes, ${LONGEST_SOCKET_PATH_BYTES} fit: \`${path}\``,
    { hint: 'run in a directory with a shorter path' },
  );
}
