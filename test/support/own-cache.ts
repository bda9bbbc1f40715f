import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** Each test file has a cache directory of its own: operations use that of the user by default. */
const directory = mkdtempSync(join(tmpdir(), 'cygstrap-cache-'));
process.env[process.platform === 'win32' ? 'LOCALAPPDATA' : 'XDG_CACHE_HOME'] = directory;
afterAll(() => rmSync(directory, { recursive: true, force: true }));
