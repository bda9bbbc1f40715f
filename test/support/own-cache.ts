import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll } from 'vitest';
import { userCacheDirectory } from '../../src/io/user-dirs.ts';

/** Each test file has a cache directory of its own: operations use that of the user by default. What machines boot from
 *  is that of the user: it was downloaded before, and is large. */
const directory = mkdtempSync(join(tmpdir(), 'cygstrap-cache-'));
const users = userCacheDirectory(process.env);
process.env[process.platform === 'win32' ? 'LOCALAPPDATA' : 'XDG_CACHE_HOME'] = directory;
for (const name of ['kernels', 'images', 'controllers']) {
  const link = join(userCacheDirectory(process.env), name);
  mkdirSync(dirname(link), { recursive: true });
  if (existsSync(join(users, name))) symlinkSync(join(users, name), link, 'junction');
}
afterAll(() => rmSync(directory, { recursive: true, force: true }));
