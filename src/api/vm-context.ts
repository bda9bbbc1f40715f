import { join, resolve } from 'node:path';
import { CygstrapError } from '../errors.ts';
import type { Report } from '../events.ts';
import type { GuestKind } from '../guest/kind.ts';
import { userCacheDirectory } from '../io/user-dirs.ts';
import { cachedHost } from '../stages/context.ts';
import type { StageContext } from '../stages/context.ts';
import type { Manifest } from '../stages/manifest.ts';
import type { TopologyName } from '../stages/topology.ts';
import { vmPlaces } from '../stages/layout.ts';
import type { VmPlaces } from '../stages/layout.ts';
import type { Host } from '../vm/base/host.ts';
import type { Environment, OperationContext } from './context.ts';
import { DEFAULTS } from './defaults.ts';
import { guestKind } from './guest-kinds.ts';
import { packageVersion } from './version.ts';

/** Location of all stages of a user. */
export interface VmDirectory extends OperationContext {
  /** Directory of all stages; by default `vm` in the user's cache. */
  readonly directory?: string | undefined;
}

export interface VmOptions extends VmDirectory {
  /** Guest kind to install, or to look for among the stages. By default the stand-in is installed, and stages of every
   *  kind are found. */
  readonly guest?: string | undefined;
  /** By default `direct`. */
  readonly topology?: TopologyName | undefined;
  /** Program and version that make the stages, recorded in them; by default the version of cygstrap. */
  readonly version?: string | undefined;
  /** Aborting it ends all operations and machines of the context, and removes their temporary files. */
  readonly signal?: AbortSignal | undefined;
}

/** Parameters of all operations on machines. It has no open resources: it can be used for many operations, and
 *  copied with another signal: `{ ...context, signal }`. */
export interface VmContext {
  readonly env: Environment;
  /** Guest kind of the stages to look for; undefined for all. */
  readonly wantedGuest: string | undefined;
  readonly topology: TopologyName;
  readonly version: string;
  readonly report: Report;
  readonly signal: AbortSignal;
  /** @internal */
  readonly places: VmPlaces;
  /** @internal */
  readonly host: Host;
  /** @internal */
  readonly guest: GuestKind;
  /** @internal */
  readonly cacheDir: string;
}

/** Returns the paths of all stages. */
export function placesOfVm({ directory, ...context }: VmDirectory): VmPlaces {
  return vmPlaces(resolve(directory ?? join(imageDirectoryOf(context), 'vm')));
}

/** Returns the directory of kernels and images of Linux guests: machines need it also without a cache. */
export function imageDirectoryOf({ env = process.env, cacheDirectory }: OperationContext): string {
  return cacheDirectory ?? userCacheDirectory(env);
}

/** Prepares what every stage needs. The first call probes this computer, which takes seconds. A missing program is
 *  an error of the stage that needs it. Throws `usage` for an unknown guest kind, and the reason of the signal. */
export async function prepareVm(options: VmOptions = {}): Promise<VmContext> {
  const {
    guest,
    topology = 'direct',
    env = process.env,
    version = packageVersion(),
    report = () => {},
    signal = new AbortController().signal,
  } = options;
  const kind = guestKind(guest ?? DEFAULTS.guest);
  const places = placesOfVm(options);
  const host = await cachedHost(places, { environment: env, signal });
  return {
    places,
    host,
    guest: kind,
    wantedGuest: guest,
    topology,
    cacheDir: imageDirectoryOf(options),
    env,
    version,
    report,
    signal,
  };
}

/** Returns a context for the guests of a stage. Throws `usage` for a kind that this version does not have. */
export function contextOf<C extends StageContext>(context: C, { guest }: Pick<Manifest, 'guest'>): C {
  return { ...context, guest: guestKind(guest) };
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
