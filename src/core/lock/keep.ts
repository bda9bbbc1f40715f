import type { Lock, LockRequest } from './lock.ts';

/** A package pinned to one version. */
export interface Pin {
  readonly name: string;
  readonly version: string;
}

/** Pins every package of a lock to its version, except the named packages and those that the request pins itself.
 *  Sorted by name. */
export function keepVersions(
  { packages, request }: Pick<Lock, 'packages'> & { readonly request: Pick<LockRequest, 'packages'> },
  except: readonly string[],
): Pin[] {
  const free = new Set([
    ...except,
    ...request.packages.filter((item) => item.includes('=')).map((item) => item.slice(0, item.indexOf('='))),
  ]);
  return packages.filter(({ name }) => !free.has(name)).map(({ name, version }) => ({ name, version }));
}

/** Returns a pin as `NAME=VERSION`. */
export function pinText({ name, version }: Pin): string {
  return `${name}=${version}`;
}
