import { dirname, resolve } from 'node:path';
import { CONFIG_NAME } from '../core/config/config.ts';
import type { Config } from '../core/config/config.ts';
import { mergeConfig, resolvePaths } from '../core/config/merge.ts';
import { parseConfig } from '../core/config/parse.ts';
import { CygstrapError } from '../errors.ts';
import { readTextFile } from '../io/text-file.ts';

/** Options of a command line; `undefined` and empty lists set nothing. */
export type GivenConfig = { readonly [K in keyof Config]?: Config[K] | undefined };

/** The merged settings of a project. */
export interface Project {
  /** The name of the project file; undefined without one. */
  readonly file: string | undefined;
  /** Directories and files are absolute. */
  readonly config: Config;
}

/** Reads the project file and merges options over it; without a file, over `otherwise`. Throws like `readProject`. */
export async function loadProject(
  named: string | undefined,
  given: GivenConfig = {},
  otherwise: Config = {},
): Promise<Project> {
  const project = await readProject(named);
  return { file: project?.file, config: mergeConfig(project?.config ?? otherwise, given) };
}

/** Reads the named project file, or else `cygstrap.json` of the current directory, if it exists. Throws `not-found` for
 *  a named file that does not exist, `io`, and `usage` for a file that is not a project file. */
async function readProject(named: string | undefined): Promise<Project | undefined> {
  const file = named ?? CONFIG_NAME;
  const text = await readTextFile(file, 'usage');
  if (text === undefined) {
    if (named === undefined) return undefined;
    throw new CygstrapError('not-found', `no such project file: \`${file}\``);
  }
  return { file, config: resolvePaths(parseConfig(text, file), (path) => resolve(dirname(file), path)) };
}
