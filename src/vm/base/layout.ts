import { join } from 'node:path/posix';
import { VmError } from './vm-error.ts';

/** Longest path in the address of a Unix socket. */
const LONGEST_SOCKET_PATH_BYTES = 107;

/** Paths of the files of a running machine. */
export interface MachineFiles {
  /** Socket for QMP commands. */
  readonly qmp: string;
  /** Log of the serial port. */
  readonly consoleLog: string;
  /** Socket that transfers a memory image. */
  readonly migration: string;
  /** Socket that shows the screen by VNC, for any number of clients; for the user only. */
  readonly vnc: string;
  /** Socket of the TPM, a link to the directory of its state, and a file with the number of its process. */
  readonly tpm: string;
  readonly tpmState: string;
  readonly tpmPid: string;
  /** Screenshot in the format of QEMU, before its conversion to PNG. */
  readonly screen: string;
  /** Path prefix of the files of empty disks. */
  readonly emptyDiskStem: string;
}

/** Returns the paths for a machine in its run directory; the name separates several machines. */
export function filesOf(name: string, directory: string): MachineFiles {
  return {
    qmp: join(directory, `${name}.qmp`),
    consoleLog: join(directory, `${name}.console.log`),
    migration: join(directory, `${name}.migration`),
    vnc: join(directory, `${name}.vnc`),
    tpm: join(directory, `${name}.tpm`),
    tpmState: join(directory, `${name}.tpm.state`),
    tpmPid: join(directory, `${name}.tpm.pid`),
    screen: join(directory, `${name}.ppm`),
    emptyDiskStem: join(directory, `${name}.empty-`),
  };
}

/** Returns the path of the file of an empty disk. */
export function emptyDiskPath({ emptyDiskStem }: Pick<MachineFiles, 'emptyDiskStem'>, diskId: string): string {
  return `${emptyDiskStem}${diskId}.raw`;
}

/** Returns the path if it fits the address of a Unix socket; throws VmError otherwise. */
export function socketPath(path: string): string {
  const sizeBytes = new TextEncoder().encode(path).length;
  if (sizeBytes <= LONGEST_SOCKET_PATH_BYTES) return path;
  throw new VmError(
    `the path of a socket is too long: ${sizeBytes} bytes, at most ${LONGEST_SOCKET_PATH_BYTES}: \`${path}\``,
    { hint: 'use a directory with a shorter path' },
  );
}
