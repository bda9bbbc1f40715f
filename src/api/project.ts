import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { CONFIG_NAME } from '../core/config/config.ts';
import type { Config } from '../core/config/config.ts';
import { LOCK_FILE_NAME } from '../core/lock/lock.ts';
import { mergeConfig, resolvePaths } from '../core/config/merge.ts';
import { parseConfig } from '../core/config/parse.ts';
import type { ResolveRequest } from '../core/resolve/plan.ts';
import { EMPTY_REQUEST } from '../core/resolve/request.ts';
import { CygstrapError } from '../errors.ts';
import { readTextFile } from '../io/text-file.ts';
import { windowsOf } from './request.ts';

/** Options of a command line; `undefined` and empty lists set nothing. */
export type GivenConfig = { readonly [K in keyof Config]?: Config[K] | undefined };

/** The merged settings of a project. */
export interface Project {
  /** The name of the project file; undefined without one. */
  readonly file: string | undefined;
  /** Directories and files are absolute. */
  readonly config: Config;
}

/** Reads the project file, by default the nearest one, and merges options over it; without a file, over `otherwise`.
 *  Throws like `readProject`. */
export async function loadProject(named?: string, given: GivenConfig = {}, otherwise: Config = {}): Promise<Project> {
  const project = await readProject(named);
  return { file: project?.file, config: mergeConfig(project?.config ?? otherwise, given) };
}

/** Reads the named project file, or else `cygstrap.json` of the current directory or the nearest directory above it
 *  that has one. Throws `not-found` for a named file that does not exist, unless it is optional, `io`, and `usage` for
 *  a file that is not a project file. */
export async function readProject(
  named: string | undefined,
  { isOptional = false } = {},
): Promise<Project | undefined> {
  const file = named ?? (await findProject());
  const text = file === undefined ? undefined : await readTextFile(file, 'usage');
  if (file === undefined || text === undefined) {
    if (named === undefined || isOptional) return undefined;
    throw missingProject(named);
  }
  return { file, config: resolvePaths(parseConfig(text, file), (path) => resolve(dirname(file), path)) };
}

/** Finds the project file: the named one, or as {@link readProject}. Throws `usage` if there is none, and as
 *  `readProject`. */
export async function requireProject(named: string | undefined): Promise<Project & { readonly file: string }> {
  const project = await readProject(named);
  if (project?.file !== undefined) return { ...project, file: project.file };
  throw new CygstrapError('usage', `there is no \`${CONFIG_NAME}\` here or in a directory above`, {
    hint: 'create one with `cygstrap init`',
  });
}

/** Makes the error for a named project file that does not exist. */
export function missingProject(file: string): CygstrapError {
  return new CygstrapError('not-found', `no such project file: \`${file}\``, {
    hint: 'create one with `cygstrap init`',
  });
}

/** Returns the request of a project file. Throws `usage` for an unknown Windows; `windowsName` names it. */
export function configRequest(config: Config, windowsName = 'windows'): ResolveRequest {
  const { packages = [], categories = [], buildDepends = [], base = true, test = false, source = false } = config;
  return {
    ...EMPTY_REQUEST,
    packages,
    categories,
    buildDepends,
    base,
    test,
    source,
    ...(config.windows !== undefined && { windows: windowsOf(config.windows, windowsName) }),
  };
}

/** Returns the lock beside a project file; without one, in the current directory. */
export function lockBeside(file: string | undefined): string {
  return join(dirname(file ?? CONFIG_NAME), LOCK_FILE_NAME);
}

/** Returns the relative path of the nearest project file. Throws `usage` for one in a directory above that another user
 *  has put there, as anyone can in a shared directory. */
async function findProject(): Promise<string | undefined> {
  let directory = resolve('.');
  for (let file = CONFIG_NAME; ; file = join('..', file)) {
    const status = await stat(file).catch(() => undefined);
    if (status !== undefined) {
      const isForeign = status.uid !== 0 && status.uid !== process.getuid?.();
      if (file === CONFIG_NAME || !isForeign) return file;
      throw new CygstrapError('usage', `the project file \`${file}\` belongs to another user`, {
        hint: 'name the project file with `--config`',
      });
    }
    if (dirname(directory) === directory) return undefined;
    directory = dirname(directory);
  }
}
