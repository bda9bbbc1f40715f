import { stat } from 'node:fs/promises';
import { CygstrapError } from '../errors.ts';
import { stagePath } from '../stages/layout.ts';
import type { InstalledManifest, Manifest, SnapshotManifest } from '../stages/manifest.ts';
import { listStageEntries } from '../stages/stage-store.ts';
import { prepareVm, stageByPrefix } from './vm-context.ts';
import type { VmContext } from './vm-context.ts';

/** Returns the installed disk whose key starts with `prefix`, by default the newest. Throws `usage`
 *  if there is none, and `io` if it is damaged. */
export async function findInstalled(prefix?: string, context?: VmContext): Promise<InstalledManifest> {
  const found = await find('install', prefix, context ?? (await prepareVm()));
  if (found !== undefined) return found;
  throw new CygstrapError('usage', 'no machine is installed', {
    hint: 'install one with `cygstrap vm install` or `cygstrap build`',
  });
}

/** Returns the snapshot whose key starts with `prefix`, by default the newest. Throws `usage` if
 *  there is none, and `io` if it is damaged. */
export async function findSnapshot(prefix?: string, context?: VmContext): Promise<SnapshotManifest> {
  const found = await find('snapshot', prefix, context ?? (await prepareVm()));
  if (found !== undefined) return found;
  throw new CygstrapError('usage', 'there is no snapshot', {
    hint: 'make one with `cygstrap build`, or with `cygstrap vm install` and `cygstrap vm snapshot`',
  });
}

async function find<S extends Manifest['stage']>(
  stage: S,
  prefix: string | undefined,
  { places, wantedGuest }: VmContext,
): Promise<Extract<Manifest, { stage: S }> | undefined> {
  const entries = await listStageEntries(places, [stage]);
  if (prefix !== undefined) {
    const entry = stageByPrefix(entries, prefix);
    if (entry.manifest === undefined) throw entry.damage;
    return entry.manifest as Extract<Manifest, { stage: S }>;
  }
  const candidates = entries.flatMap(({ manifest }) =>
    manifest !== undefined && [undefined, manifest.guest].includes(wantedGuest) ? [manifest] : [],
  );
  const times = await Promise.all(
    candidates.map(async (manifest) => ({
      manifest,
      madeMs: (await stat(stagePath(places, stage, manifest.key))).mtimeMs,
    })),
  );
  return times.sort((a, b) => b.madeMs - a.madeMs)[0]?.manifest as Extract<Manifest, { stage: S }> | undefined;
}
