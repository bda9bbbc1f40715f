import { homedir, platform } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { CygstrapError } from '../errors.ts';
import type { Report } from '../events.ts';
import { indexCacheDir } from '../input/text-cache.ts';
import { knownHost } from '../pipeline/context.ts';
import type { StageContext } from '../pipeline/context.ts';
import type { TopologyName } from '../pipeline/topology.ts';
import { STAGES, vmPlaces } from '../pipeline/layout.ts';
import type { StageName, VmPlaces } from '../pipeline/layout.ts';
import type { Manifest } from '../pipeline/manifest.ts';
import { findStage, namesIn } from '../pipeline/workshop.ts';
import { guestKind } from './guest-kinds.ts';

/** What all commands about machines are told. */
export interface VmOptions {
  /** Directory of all stages; by default `cygstrap/vm` in the user's cache. */
  readonly directory?: string | undefined;
  /** By default `direct`. */
  readonly topology?: TopologyName | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** Names the places of all stages. */
export function placesOfVm({ directory, environment }: Pick<VmOptions, 'directory' | 'environment'>): VmPlaces {
  return vmPlaces(resolve(directory ?? join(dirname(indexCacheDir(environment, platform(), homedir())), 'vm')));
}

/** Where kernels and images of guests are kept. */
export function guestCacheOf({ environment }: Pick<VmOptions, 'environment'>): string {
  return dirname(indexCacheDir(environment, platform(), homedir()));
}

/** Makes ready what every stage needs; looks at this computer when that was not done before. Throws `usage` for an unknown kind of guest. */
export async function vmContext(guest: string, options: VmOptions): Promise<StageContext> {
  const { topology = 'direct', environment, version, report, signal } = options;
  const kind = guestKind(guest);
  const places = placesOfVm(options);
  return { places, host: await knownHost(places, { environment, tools: ['smbd', 'ssh', 'qemu-img', ...(topology === 'vde' ? (['vde_switch'] as const) : [])], signal }), guest: kind, topology, cacheDir: guestCacheOf(options), version, report, signal };
}

/** Every published stage of one or all names, the newest last. Throws `io`. */
export async function publishedStages(places: VmPlaces, stages: readonly StageName[] = STAGES): Promise<Manifest[]> {
  const found: Manifest[] = [];
  for (const stage of stages) {
    for (const key of await namesIn(join(places.root, stage))) {
      // One that is being removed.
      if (key.startsWith('.')) continue;
      const manifest = await findStage(places, { stage, key });
      if (manifest !== undefined) found.push(manifest);
    }
  }
  return found;
}

/** Finds the one stage whose key begins as the user wrote it. Throws `usage`. */
export function stageByPrefix(stages: readonly Manifest[], prefix: string): Manifest {
  const matching = prefix === '' ? [] : stages.filter(({ key }) => key.startsWith(prefix));
  const [only] = matching;
  if (only !== undefined && matching.length === 1) return only;
  throw new CygstrapError('usage', `${matching.length === 0 ? 'no stage has a key' : `${matching.length} stages have keys`} that begins with \`${prefix}\``, { hint: '`cygstrap vm ls` lists them' });
}
