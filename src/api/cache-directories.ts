import { join } from 'node:path';
import { userCacheDirectory } from '../io/user-dirs.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Returns the directory of the archives that the repos of a user share. */
export function archiveCacheDirectory(environment: Environment): string {
  return join(userCacheDirectory(environment), 'archives');
}

/** Returns the directory of kernels and images of Linux guests. */
export function guestCacheDirectory(environment: Environment): string {
  return userCacheDirectory(environment);
}

/** Returns the directory of the digests of ISO images that a user has read. */
export function imageCacheDirectory(environment: Environment): string {
  return join(userCacheDirectory(environment), 'images');
}

/** Returns the directory of the indexes of remote sites. */
export function indexCacheDirectory(environment: Environment): string {
  return join(userCacheDirectory(environment), 'sites');
}
