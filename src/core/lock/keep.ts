import type { Lock, LockRequest } from './lock.ts';

/** A package that is held at one version. */
export interface Pin {
  readonly name: string;
  readonly version: string;
}

/** Pins every package of a lock to its version, except those named and those the request of today pins itself: what
 *  stays where it is when only these names are to move. By name. */
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

/** A pin as a request writes it. */
export function pinText({ name, version }: Pin): string {
  return `${name}=${version}`;
}
