import { homedir, platform } from 'node:os';
import { dirname, join } from 'node:path';
import { indexCacheDir } from '../input/text-cache.ts';

/** Where the repos of a user share their archives: `cygstrap/archives` in the user's cache directory. */
export function archiveCacheDir(env: Readonly<Record<string, string | undefined>>): string {
  return join(dirname(indexCacheDir(env, platform(), homedir())), 'archives');
}
