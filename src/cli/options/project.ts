import type { Config } from '../../core/config/config.ts';
import type { ResolveRequest } from '../../core/resolve/plan.ts';
import { architecture } from './architecture.ts';
import { documentDefault, grouped, splitList, value } from './declare.ts';
import type { Arguments } from './declare.ts';
import { REQUEST_OPTIONS } from './options.ts';
import type { Report } from '../../events.ts';

/** The project file. */
export const CONFIG_OPTION = grouped('Request', {
  config: documentDefault(value('FILE', 'Read this project file'), 'cygstrap.json here or in a directory above'),
});

/** The request for a whole installation, and the project file under it. */
export const PROJECT_OPTIONS = {
  ...REQUEST_OPTIONS,
  ...CONFIG_OPTION,
  ...grouped('Request', { arch: documentDefault(architecture('Use this architecture'), 'that of the index') }),
};

export interface ProjectArguments extends Arguments<typeof PROJECT_OPTIONS> {
  readonly packages: readonly string[];
  /** An installation to update. */
  readonly installed?: string | undefined;
}

/** A request: the options of the command line over the project file. */
export interface ProjectOptions {
  readonly request: ResolveRequest;
  readonly arch: string | undefined;
  /** The project file under the options of the command line; its paths are absolute. */
  readonly config: Config;
  /** The name of the project file; undefined without one. */
  readonly file: string | undefined;
  /** Whether the command line itself has a part of the request. */
  readonly isOnCommandLine: boolean;
}

/** Reads the project file, or uses `otherwise` without one, and merges the options of the command line over it. Throws
 *  what `loadProject` and `readInstalled` throw. */
export async function projectOptionsOf(
  args: ProjectArguments,
  { otherwise = {}, report }: { readonly otherwise?: Config; readonly report?: Report } = {},
): Promise<ProjectOptions> {
  const given = {
    packages: splitList(args.packages),
    categories: splitList(args.category),
    buildDepends: splitList(args.buildDepends),
    base: args.noBase ? false : undefined,
    test: args.test ? true : undefined,
    source: args.source ? true : undefined,
    windows: args.windows,
    arch: args.arch,
  };
  const [{ configRequest, loadProject }, { readInstalled }] = await Promise.all([
    import('../../api/project.ts'),
    import('../../api/request.ts'),
  ]);
  const { config, file } = await loadProject(args.config, given, otherwise);
  const installed = args.installed === undefined ? [] : await readInstalled(args.installed, report);
  const request = { ...configRequest(config, '--windows'), installed };
  const isOnCommandLine = Object.values({ ...given, installed: args.installed }).some(
    (each) => each !== undefined && !(Array.isArray(each) && each.length === 0),
  );
  return { request, arch: config.arch, config, file, isOnCommandLine };
}

/** Throws `usage` if neither the command line nor a project file asks for anything. */
export async function requireRequest({ isOnCommandLine, file }: ProjectOptions): Promise<void> {
  if (isOnCommandLine || file !== undefined) return;
  throw (await import('../../api/nothing-asked.ts')).nothingAsked();
}
