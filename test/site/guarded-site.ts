import { onTestFinished } from 'vitest';
import type { LookupAll } from '../../src/site/http/address-guard.ts';
import { scopeOf } from '../../src/site/http/address-scope.ts';
import type { Scope } from '../../src/site/http/address-scope.ts';
import { HttpSite } from '../../src/site/http/http-site.ts';
import { Network } from '../../src/site/http/network.ts';
import { TIMEOUTS } from '../../src/site/http/timeouts.ts';
import { USER_AGENT } from './support.ts';

/** A name server that answers each name with its addresses, in turn. */
export function names(answers: Readonly<Record<string, readonly (readonly string[])[]>>): LookupAll {
  const count = new Map<string, number>();
  return (name, _options, callback) => {
    const at = count.get(name) ?? 0;
    count.set(name, at + 1);
    const addresses = answers[name]?.[Math.min(at, (answers[name]?.length ?? 1) - 1)];
    if (addresses === undefined) callback(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }), []);
    else
      callback(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      );
  };
}

/** Opens the server at `url` as a site named `host`, for which 127.0.0.1 counts as an address of another scope. Two
 *  names exist: `site.test` is 127.0.0.1, and `inner.test` is 127.0.0.2, where nothing listens. */
export function siteAt(host: string, url: string, scope: Scope, env = {}): HttpSite {
  const network = new Network({
    env,
    connections: 4,
    allowHttp2: false,
    caFiles: [],
    timeouts: TIMEOUTS,
    siteHost: host,
    guard: {
      lookup: names({ 'site.test': [['127.0.0.1']], 'inner.test': [['127.0.0.2']] }),
      scopeOf: (address) => (address === '127.0.0.1' ? scope : scopeOf(address)),
    },
  });
  const opened = new HttpSite(new URL(`http://${host}:${new URL(url).port}/`), 'Basic c2VjcmV0', network, USER_AGENT);
  onTestFinished(() => opened.close());
  return opened;
}
