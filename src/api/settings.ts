import { join } from 'node:path';
import { siteAddress } from '../core/config/config.ts';
import type { Config, SiteEntry } from '../core/config/config.ts';
import { userCacheDirectory, userConfigDirectory } from '../io/user-dirs.ts';
import { redactAddress } from '../site/base/fetch-error.ts';
import type { Environment, OperationContext } from './context.ts';
import { DEFAULTS } from './defaults.ts';
import { lockBeside, readProject } from './project.ts';
import { chooseSites } from './site-choice.ts';
import { siteGroups } from './site-groups.ts';
import { placesOfVm } from './vm-context.ts';

/** A setting in force. */
export interface Setting {
  readonly name: string;
  /** A list can be empty; null: not set. Addresses are without passwords. */
  readonly value: string | boolean | readonly string[] | null;
  /** What sets it, for users: a file, a variable, or the defaults of cygstrap. */
  readonly from: string;
}

export interface SettingsRequest {
  /** The project file; by default the nearest one. */
  readonly config?: string | undefined;
}

const DEFAULT = 'the defaults of cygstrap';

/** Lists what a command without options uses: files, mirrors, request and directories, and where each comes from.
 *  Throws as `readProject` and `chooseSites`. */
export async function listSettings(
  { config: named }: SettingsRequest = {},
  { env: environment = process.env }: OperationContext = {},
): Promise<Setting[]> {
  const project = await readProject(named);
  const { config = {}, file } = project ?? {};
  const userFile = join(userConfigDirectory(environment), 'config.json');
  const hasUserFile = (await readProject(userFile, { isOptional: true })) !== undefined;
  return [
    {
      name: 'project',
      value: file ?? null,
      from: file === undefined ? DEFAULT : named === undefined ? 'found' : 'named',
    },
    { name: 'userFile', value: userFile, from: hasUserFile ? 'exists' : 'does not exist' },
    { name: 'lock', value: lockBeside(file), from: file === undefined ? DEFAULT : 'beside the project file' },
    ...(await siteSettings({ config, file }, environment)),
    ...requestSettings(config, file),
    ...directorySettings(environment),
  ];
}

async function siteSettings(
  project: { readonly config: Config; readonly file: string | undefined },
  environment: Environment,
): Promise<Setting[]> {
  const none = { addSite: [], unsignedSite: [] };
  const { site, config, from = DEFAULT } = await chooseSites({ site: [], ...none }, project, environment);
  const isNone = site.length === 0 && (config.sites ?? []).length === 0;
  const [mirrors = [], ...added] = isNone ? [] : siteGroups({ site, ...none }, config);
  const addresses = (entries: readonly SiteEntry[]) => entries.map((entry) => redactAddress(siteAddress(entry)));
  const keyring = config.keyring ?? [];
  return [
    { name: 'sites', value: addresses(mirrors), from },
    { name: 'addSites', value: addresses(added.flat()), from: added.length === 0 ? DEFAULT : from },
    {
      name: 'keyring',
      value: keyring,
      from: keyring.length === 0 ? "only Cygwin's own keys" : `${from}, besides Cygwin's own keys`,
    },
  ];
}

function requestSettings(config: Config, file: string | undefined): Setting[] {
  const defaults = {
    packages: [],
    categories: [],
    buildDepends: [],
    arch: DEFAULTS.arch,
    windows: DEFAULTS.windows,
    base: true,
    test: false,
    source: false,
    repo: null,
    layout: DEFAULTS.layout,
  };
  return Object.entries({ ...defaults, ...config })
    .filter(([name]) => name in defaults)
    .map(([name, value]) => ({
      name,
      value: value as Setting['value'],
      from: file !== undefined && name in config ? `the project file \`${file}\`` : DEFAULT,
    }));
}

function directorySettings(environment: Environment): Setting[] {
  const cache = userCacheDirectory(environment);
  const variable = ['XDG_CACHE_HOME', 'LOCALAPPDATA'].find(
    (name) => (environment[name] ?? '') !== '' && cache.startsWith(environment[name] ?? ''),
  );
  const from = variable === undefined ? DEFAULT : `the variable ${variable}`;
  return [
    { name: 'cacheDirectory', value: cache, from },
    { name: 'vmDirectory', value: placesOfVm({ env: environment }).root, from },
  ];
}
