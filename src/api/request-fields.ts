import type { ResolveRequest } from '../core/resolve/plan.ts';
import { EMPTY_REQUEST } from '../core/resolve/request.ts';

/** The fields of a request for packages, all optional. */
export type RequestFields = { readonly [K in keyof ResolveRequest]?: ResolveRequest[K] | undefined };

/** Returns the request that some fields make with the defaults. Other fields, and those that are undefined, are
 *  ignored. */
export function requestOf(fields: RequestFields): ResolveRequest {
  return { ...EMPTY_REQUEST, ...givenIn(fields) };
}

/** Returns the request that some fields make with the defaults; undefined if none of them is set. */
export function requestIfAny(fields: RequestFields): ResolveRequest | undefined {
  return Object.keys(givenIn(fields)).length === 0 ? undefined : requestOf(fields);
}

function givenIn(fields: RequestFields): Partial<ResolveRequest> {
  const names = Object.keys(EMPTY_REQUEST) as readonly (keyof ResolveRequest)[];
  return Object.fromEntries(names.filter((name) => fields[name] !== undefined).map((name) => [name, fields[name]]));
}
