import type { Socket } from 'node:net';
import type { buildConnector } from 'undici';

type Outcome = Parameters<buildConnector.Callback>;

/** Connections to a site that are opened before there are requests for them: with TLS, a connection takes two round
 *  trips or more. */
export class SpareConnections {
  readonly #connector: buildConnector.connector;
  readonly #spares = new Map<string, Promise<Outcome>[]>();
  /** Open connections without a request. */
  readonly #idle = new Set<Socket>();
  #isClosed = false;

  constructor(connector: buildConnector.connector) {
    this.#connector = connector;
  }

  /** Opens `count` connections to the host of a URL. Does not throw; `connect` reports failures. */
  open({ protocol, host, hostname, port }: URL, count: number): void {
    const to = { protocol, host, hostname: hostname.replace(/^\[|\]$/g, ''), port };
    const spares = Array.from({ length: count }, () => this.#open(to));
    this.#spares.set(keyOf(to), [...(this.#spares.get(keyOf(to)) ?? []), ...spares]);
  }

  /** Returns the connection that was opened first, or opens one if there is none, or if the server has closed it. */
  readonly connect: buildConnector.connector = (to, callback) => {
    const spare = this.#spares.get(keyOf(to))?.shift();
    if (spare === undefined) this.#connector(to, callback);
    else void this.#use(spare, to, callback);
  };

  /** Closes the connections without a request. */
  close(): void {
    this.#isClosed = true;
    for (const socket of this.#idle) socket.destroy();
  }

  async #use(spare: Promise<Outcome>, to: buildConnector.Options, callback: buildConnector.Callback): Promise<void> {
    const outcome = await spare;
    const [error, socket] = outcome;
    if (error !== null || this.#isClosed) callback(...outcome);
    else if (this.#idle.delete(socket)) callback(null, socket.pause());
    else this.#connector(to, callback);
  }

  #open(to: buildConnector.Options): Promise<Outcome> {
    return new Promise((resolve) => {
      this.#connector(to, (...outcome) => {
        const [error, socket] = outcome;
        if (error === null) this.#watch(socket);
        resolve(outcome);
      });
    });
  }

  /** Detects that the server closes an idle connection; it sends nothing else before a request. */
  #watch(socket: Socket): void {
    if (this.#isClosed) {
      socket.destroy();
      return;
    }
    this.#idle.add(socket);
    const discard = (): void => {
      if (this.#idle.delete(socket)) socket.destroy();
    };
    socket.once('end', discard).once('close', discard).resume();
  }
}

function keyOf({ protocol, host = '' }: Pick<buildConnector.Options, 'protocol' | 'host'>): string {
  return `${protocol}//${host}`;
}
