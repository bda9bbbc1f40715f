import { join, resolve } from 'node:path';
import { CygstrapError } from '../errors.ts';
import type { Report } from '../events.ts';
import { userCacheDirectory } from '../io/user-dirs.ts';
import { cachedHost } from '../stages/context.ts';
import type { StageContext } from '../stages/context.ts';
import type { TopologyName } from '../stages/topology.ts';
import { vmPlaces } from '../stages/layout.ts';
import type { VmPlaces } from '../stages/layout.ts';
import { guestKind } from './guest-kinds.ts';
import { packageVersion } from './version.ts';

/** Where all stages of a user are. */
export interface VmDirectory {
  /** Directory of all stages; by default `cygstrap/vm` in the user's cache. */
  readonly directory?: string | undefined;
  /** Names the user's cache and the path of programs: `process.env`. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface VmOptions extends VmDirectory {
  /** Kind of guest; by default, and for now always, `stand-in`. */
  readonly guest?: string | undefined;
  /** By default `direct`. */
  readonly topology?: TopologyName | undefined;
  /** Program and version that make the stages, recorded in them; by default the version of cygstrap. */
  readonly version?: string;
  readonly report?: Report;
  /** When aborted, all that is made or runs with it ends, and leaves nothing behind. */
  readonly signal?: AbortSignal | undefined;
}

/** What every stage is made with. It holds nothing open; for one more run it can be used again, for another signal be copied:
 *  `{ ...context, signal }`. */
export interface VmContext extends StageContext, Pick<VmDirectory, 'environment'> {}

/** Names the places of all stages. */
export function placesOfVm({ directory, environment }: VmDirectory): VmPlaces {
  return vmPlaces(resolve(directory ?? join(userCacheDirectory(environment), 'vm')));
}

/** Makes ready what every stage needs; looks at this computer when that was not done before, which takes seconds. What is missing here is
 *  told by the stage that needs it. Throws `usage` for an unknown kind of guest, and the reason of the signal. */
export async function prepareVm(options: VmOptions): Promise<VmContext> {
  const {
    guest = 'stand-in',
    topology = 'direct',
    environment,
    version = packageVersion(),
    report = () => {},
    signal = new AbortController().signal,
  } = options;
  const kind = guestKind(guest);
  const places = placesOfVm(options);
  const host = await cachedHost(places, {
    environment,
    tools: ['smbd', 'ssh', 'qemu-img', ...(topology === 'vde' ? (['vde_switch'] as const) : [])],
    signal,
  });
  return {
    places,
    host,
    guest: kind,
    topology,
    cacheDir: userCacheDirectory(environment),
    environment,
    version,
    report,
    signal,
  };
}

/** Returns the stage whose key starts with `prefix`. Throws `usage` if there is none, or more than one. */
export function stageByPrefix<T extends { readonly key: string }>(stages: readonly T[], prefix: string): T {
  const matching = prefix === '' ? [] : stages.filter(({ key }) => key.startsWith(prefix));
  const [only] = matching;
  if (only !== undefined && matching.length === 1) return only;
  throw new CygstrapError(
    'usage',
    matching.length === 0
      ? `no stage has a key that starts with \`${prefix}\``
      : `${matching.length} stages have a key that starts with \`${prefix}\``,
    { hint: '`cygstrap vm ls` lists them' },
  );
}
