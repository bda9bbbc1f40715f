import type { OpenOptions, Site } from './base/site.ts';
import { isFaultOfRange } from './retry.ts';

/** Consecutive requests for the rest of a file that may fail at one site without a byte. A server that breaks on ranges
 *  would otherwise never send the file. */
const MAX_FRUITLESS_RANGES = 3;

/** Decides for one file, at each site, whether the next request continues the received part. After a response that does
 *  not fit, or wrong bytes after a range, all further requests to that site are for the whole file; after several
 *  without a byte, the next one is. The part is kept until a response with the whole file begins. */
export class Resumes {
  readonly #fruitless = new Map<Site, number>();
  readonly #unfit = new Set<Site>();

  /** Opens a file at a site: from `fromByte` on, or the whole file. Throws the errors of the site. */
  async open(site: Site, path: string, options: OpenOptions): ReturnType<Site['open']> {
    const { fromByte = 0, signal } = options;
    const count = this.#fruitless.get(site) ?? 0;
    if (fromByte === 0 || count >= MAX_FRUITLESS_RANGES || this.#unfit.has(site))
      return site.open(path, signal === undefined ? {} : { signal });
    this.#fruitless.set(site, count + 1);
    return site.open(path, options);
  }

  /** Records that bytes arrived from a site. */
  receive(site: Site): void {
    this.#fruitless.set(site, 0);
  }

  /** Records the failure of an attempt at a site. */
  fail(site: Site, error: unknown): void {
    if (isFaultOfRange(error)) this.#unfit.add(site);
  }
}
