import { dirname, resolve } from 'node:path';
import { CONFIG_NAME } from '../core/config/config.ts';
import type { Config } from '../core/config/config.ts';
import { resolvePaths } from '../core/config/merge.ts';
import { parseConfig } from '../core/config/parse.ts';
import { CygstrapError } from '../errors.ts';
import { readTextFile } from '../io/text-file.ts';

/** A project file that was read. */
export interface Project {
  /** As it was named. */
  readonly file: string;
  /** Its directories and files absolute. */
  readonly config: Config;
}

/** Reads the project file that is named, or else `cygstrap.json` of the current directory, if there is one. Throws `not-found`
 *  for a named one that is not there, `io`, and `usage` for what is none. */
export async function readProject(named: string | undefined): Promise<Project | undefined> {
  const file = named ?? CONFIG_NAME;
  const text = await readTextFile(file, 'usage');
  if (text === undefined) {
    if (named === undefined) return undefined;
    throw new CygstrapError('not-found', `no such project file: \`${file}\``);
  }
  return { file, config: resolvePaths(parseConfig(text, file), (path) => resolve(dirname(file), path)) };
}
