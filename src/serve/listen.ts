import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CygstrapError } from '../errors.ts';

const GRACE_MS = 5000;

/** Binds a server to an address and a port, 0 for any free one. Returns its address, which ends with a slash. Throws
 *  `usage` for a number that is not a port, and `io`. */
export async function listen(server: Server, host: string, port: number): Promise<string> {
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new CygstrapError('usage', `not a port: ${port}`, { hint: 'use 0 for any free port, or up to 65535' });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const hint =
        cause.code === 'EADDRINUSE'
          ? { hint: 'another program uses this port; choose another port, or 0 for any free port' }
          : {};
      reject(new CygstrapError('io', `cannot listen on ${host}, port ${port}`, { cause, ...hint }));
    });
    server.listen({ host, port, exclusive: true }, () => {
      server.removeAllListeners('error');
      // For example too many open files: this connection is lost, the server continues.
      server.on('error', () => {});
      resolve();
    });
  });
  const bound = server.address() as AddressInfo;
  return `http://${host.includes(':') ? `[${host}]` : host}:${bound.port}/`;
}

/** Stops accepting connections, waits `graceMs` for running responses, then closes all connections. */
export async function close(server: Server, graceMs = GRACE_MS): Promise<void> {
  const timer = setTimeout(() => server.closeAllConnections(), graceMs);
  try {
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeIdleConnections();
    });
  } finally {
    clearTimeout(timer);
  }
}
