import { urlBelow } from './base/address.ts';
import { FetchError } from './base/fetch-error.ts';
import type { Download, Site } from './base/site.ts';

/** A remote mirror for a command that must not use the network: every request fails. */
export class OfflineSite implements Site {
  readonly name: string;
  readonly #base: URL;

  constructor(base: URL) {
    this.name = base.href;
    this.#base = base;
  }

  async open(path: string): Promise<Download> {
    throw new FetchError('offline', urlBelow(this.#base, path).href, 'it is not kept on this computer');
  }

  async close(): Promise<void> {}
}
