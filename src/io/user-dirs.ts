import { homedir, platform } from 'node:os';
import { posix, win32 } from 'node:path';

export interface UserSystem {
  /** As `process.platform`. */
  readonly platform: string;
  readonly home: string;
}

/** Returns the directory of a user's cached files: `cygstrap` under `XDG_CACHE_HOME` or `~/.cache`; on Windows
 *  under `LOCALAPPDATA` or `~/AppData/Local`. Ignores variables that are not an absolute path. Source: XDG Base
 *  Directory Specification 0.8. */
export function userCacheDirectory(
  environment: Readonly<Record<string, string | undefined>>,
  system: UserSystem = { platform: platform(), home: homedir() },
): string {
  const isWindows = system.platform === 'win32';
  const path = isWindows ? win32 : posix;
  const base = isWindows ? environment['LOCALAPPDATA'] : environment['XDG_CACHE_HOME'];
  const fallback = isWindows ? path.join(system.home, 'AppData', 'Local') : path.join(system.home, '.cache');
  return path.join(base !== undefined && path.isAbsolute(base) ? base : fallback, 'cygstrap');
}

/** Returns the directory of a user's settings: `cygstrap` under `XDG_CONFIG_HOME` or `~/.config`; on Windows under
 *  `APPDATA` or `~/AppData/Roaming`. Ignores variables that are not an absolute path. Source: as above. */
export function userConfigDirectory(
  environment: Readonly<Record<string, string | undefined>>,
  system: UserSystem = { platform: platform(), home: homedir() },
): string {
  const isWindows = system.platform === 'win32';
  const path = isWindows ? win32 : posix;
  const base = isWindows ? environment['APPDATA'] : environment['XDG_CONFIG_HOME'];
  const fallback = isWindows ? path.join(system.home, 'AppData', 'Roaming') : path.join(system.home, '.config');
  return path.join(base !== undefined && path.isAbsolute(base) ? base : fallback, 'cygstrap');
}
