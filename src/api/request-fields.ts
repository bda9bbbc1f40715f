import type { ResolveRequest } from '../core/resolve/plan.ts';
import { EMPTY_REQUEST } from '../core/resolve/request.ts';

/** The fields of a request for packages, all optional. */
export type RequestFields = { readonly [K in keyof ResolveRequest]?: ResolveRequest[K] | undefined };

/** Returns the request that some fields make with the defaults; undefined if none of them is set. Other fields are
 *  ignored. */
export function requestOf(fields: RequestFields): ResolveRequest | undefined {
  const given = Object.keys(EMPTY_REQUEST).flatMap((name) => {
    const value = fields[name as keyof ResolveRequest];
    return value === undefined ? [] : [[name, value]];
  });
  return given.length === 0
    ? undefined
    : { ...EMPTY_REQUEST, ...(Object.fromEntries(given) as Partial<ResolveRequest>) };
}
