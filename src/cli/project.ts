import type { Argv } from 'yargs';
import type { Config } from '../core/config/config.ts';
import { mergeConfig } from '../core/config/merge.ts';
import type { ResolveRequest } from '../core/resolve/plan.ts';
import { once, splitList } from './options.ts';
import { requestOf } from './request.ts';
import type { RequestArguments } from './request.ts';

export interface ProjectArguments extends Omit<RequestArguments, 'installed'> {
  readonly packages: readonly string[];
  readonly config?: string | undefined;
  readonly arch?: string | undefined;
}

/** What a command line asks for, over what the project file says. */
export interface Asked {
  readonly request: ResolveRequest;
  readonly arch: string | undefined;
  /** The project file under the command line; its paths absolute. */
  readonly config: Config;
  /** The project file, if there is one. */
  readonly file: string | undefined;
  /** Whether the command line itself asks for anything. */
  readonly isAsked: boolean;
}

/** Options that name a project file and the architecture. */
export function withProjectOptions<T>(yargs: Argv<T>) {
  return yargs
    .option('config', {
      type: 'string',
      requiresArg: true,
      group: 'Request:',
      coerce: once('config'),
      describe: 'The project file [default: cygstrap.json, if there is one]',
    })
    .option('arch', {
      type: 'string',
      requiresArg: true,
      group: 'Request:',
      coerce: once('arch'),
      describe: 'Architecture [default: that of the index]',
    });
}

/** Reads the project file, or takes `otherwise` where there is none, and lays the command line over it. */
export async function askedOf(args: ProjectArguments, otherwise: Config = {}): Promise<Asked> {
  const { readProject } = await import('../api/project.ts');
  const project = await readProject(args.config);
  const given = {
    packages: splitList(args.packages),
    categories: splitList(args.category),
    buildDepends: splitList(args.buildDepends),
    base: args.noBase === true ? false : undefined,
    test: args.test,
    source: args.source,
    windows: args.windows,
    arch: args.arch,
  };
  const config = mergeConfig(project?.config ?? otherwise, given);
  const request = await requestOf(config.packages ?? [], {
    category: config.categories,
    buildDepends: config.buildDepends,
    noBase: config.base === false,
    test: config.test,
    source: config.source,
    windows: config.windows,
  });
  const isAsked = Object.values(given).some(
    (value) => value !== undefined && !(Array.isArray(value) && value.length === 0),
  );
  return { request, arch: config.arch, config, file: project?.file, isAsked };
}
