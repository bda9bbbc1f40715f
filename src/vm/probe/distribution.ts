import { readFile } from 'node:fs/promises';
import type { Distribution, DistributionFamily } from '../base/host.ts';

const FAMILIES: Readonly<Record<string, DistributionFamily>> = {
  debian: 'debian',
  ubuntu: 'debian',
  fedora: 'fedora',
  rhel: 'fedora',
  centos: 'fedora',
  arch: 'arch',
  nixos: 'nix',
};

/** Returns the name of this distribution, and the family whose packages it has. */
export async function findDistribution(path = '/etc/os-release'): Promise<Distribution> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const fields = new Map(
    text.split('\n').map((line): [string, string] => {
      const [, key = '', quoted = ''] = /^([A-Z_]+)=(.*)$/.exec(line.trim()) ?? [];
      return [key, quoted.replace(/^(["'])(.*)\1$/, '$2')];
    }),
  );
  const ids = [fields.get('ID') ?? '', ...(fields.get('ID_LIKE') ?? '').split(/\s+/)];
  return { name: fields.get('PRETTY_NAME') ?? process.platform, family: ids.flatMap((id) => FAMILIES[id] ?? [])[0] };
}
