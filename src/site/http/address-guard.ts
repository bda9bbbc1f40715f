import { lookup as systemLookup } from 'node:dns';
import type { LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { farthest, literalScope, mayLeadTo, scopeOf } from './address-scope.ts';
import type { Scope } from './address-scope.ts';

/** Asks for all addresses of a name. */
export type LookupAll = (
  name: string,
  options: { readonly all: true; readonly family?: number; readonly hints?: number },
  callback: (error: Error | null, addresses: LookupAddress[]) => void,
) => void;

export interface GuardOptions {
  /** Default: that of the system. */
  readonly lookup?: LookupAll | undefined;
  readonly scopeOf?: ((address: string) => Scope) | undefined;
}

/** A site leads to an address that is neither public nor of its own scope. */
export class AddressFault extends Error {
  constructor(host: string, scope: Scope, site: Scope, address?: string) {
    const at = address === undefined || address === host ? '' : ` at ${address}`;
    super(`\`${host}\`${at} is a ${scope} address, but the site is at a ${site} one`);
    this.name = 'AddressFault';
  }
}

/** Keeps the requests of one site away from addresses that are neither public nor of the scope of the site itself: a
 *  mirror must not reach services of this computer or of its network by a redirect or by its name server. The first
 *  connection to the site decides its scope. Every connection is judged by the address that is connected to, not by an
 *  earlier answer of the name server. */
export class AddressGuard {
  readonly #siteHost: string;
  readonly #lookupAll: LookupAll;
  readonly #scopeOf: (address: string) => Scope;
  #siteScope: Scope | undefined;

  /** @param siteHost as in a URL. */
  constructor(siteHost: string, options: GuardOptions = {}) {
    this.#siteHost = siteHost;
    this.#lookupAll = options.lookup ?? systemLookup;
    this.#scopeOf = options.scopeOf ?? scopeOf;
    this.#siteScope = literalScope(siteHost, this.#scopeOf);
  }

  /** Throws AddressFault for the host of a URL that is a literal address that the site may not lead to. A site whose
   *  address is not known, as behind a proxy, counts as public. */
  judge(host: string): void {
    const scope = literalScope(host, this.#scopeOf);
    const site = this.#siteScope ?? 'public';
    if (scope !== undefined && !mayLeadTo(site, scope)) throw new AddressFault(host, scope, site);
  }

  /** For `net.connect`: looks a name up, and fails with AddressFault if the site may lead to none of its addresses. */
  readonly lookup: LookupFunction = (name, options, callback) => {
    const { family, hints } = options;
    const query = {
      all: true,
      ...(typeof family === 'number' && { family }),
      ...(hints !== undefined && { hints }),
    } as const;
    this.#lookupAll(name, query, (error, found) => {
      if (error !== null) return callback(error, []);
      const scoped = found.map((each) => ({ ...each, scope: this.#scopeOf(each.address) }));
      if (name === this.#siteHost) this.#siteScope ??= farthest(scoped.map(({ scope }) => scope));
      const site = this.#siteScope ?? 'public';
      const allowed = scoped.filter(({ scope }) => mayLeadTo(site, scope));
      const [first] = allowed;
      const [refused] = scoped;
      if (first === undefined)
        callback(new AddressFault(name, refused?.scope ?? 'private', site, refused?.address), []);
      else if (options.all === true) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}
