import { createServer } from 'node:net';

/** A loopback port that is free now; whoever binds it later may find it taken. Throws errors of the system. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port: 0, exclusive: true }, resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('a server on a port has no port');
  return address.port;
}

/** Whether somebody has a loopback port. */
export async function isPortTaken(port: number): Promise<boolean> {
  const server = createServer();
  const isTaken = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(true));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => resolve(false));
  });
  if (!isTaken) await new Promise((resolve) => server.close(resolve));
  return isTaken;
}
