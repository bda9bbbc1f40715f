import { BlockList, isIP } from 'node:net';

/** How near an address is, from the whole internet to this computer. */
export type Scope = 'public' | 'private' | 'link-local' | 'loopback';

const NEARNESS: readonly Scope[] = ['public', 'private', 'link-local', 'loopback'];

/** Source: IANA IPv4 and IPv6 Special-Purpose Address Registries. Addresses that no host on the internet can have count
 *  as private; "this host" (0.0.0.0/8, ::) as loopback, since systems connect it to themselves. */
const SUBNETS: readonly (readonly [scope: Scope, subnets: readonly string[]])[] = [
  ['loopback', ['0.0.0.0/8', '127.0.0.0/8', '::/127']],
  ['link-local', ['169.254.0.0/16', 'fe80::/10']],
  [
    'private',
    [
      '10.0.0.0/8',
      '100.64.0.0/10',
      '172.16.0.0/12',
      '192.0.0.0/24',
      '192.168.0.0/16',
      '198.18.0.0/15',
      '224.0.0.0/3',
      'fc00::/7',
      'fec0::/10',
      'ff00::/8',
    ],
  ],
];

const BLOCKS = SUBNETS.map(([scope, subnets]) => {
  const block = new BlockList();
  for (const subnet of subnets) {
    const [address = '', bits = ''] = subnet.split('/');
    block.addSubnet(address, Number(bits), isIP(address) === 4 ? 'ipv4' : 'ipv6');
  }
  return [scope, block] as const;
});

/** Returns the scope of an IP address, with or without a zone. An IPv6 address that contains an IPv4 address (mapped,
 *  compatible, NAT64 or 6to4) has the scope of that address. */
export function scopeOf(address: string): Scope {
  const bare = address.replace(/%.*$/, '');
  const inner = isIP(bare) === 6 ? innerAddress(bare) : undefined;
  const judged = inner ?? bare;
  const type = isIP(judged) === 4 ? 'ipv4' : 'ipv6';
  return BLOCKS.find(([, block]) => block.check(judged, type))?.[0] ?? 'public';
}

/** Whether a site at an address of scope `site` may lead to one of scope `target`: to the internet, or to where it is
 *  itself. A site on this computer can be a tunnel to a foreign one. */
export function mayLeadTo(site: Scope, target: Scope): boolean {
  return target === 'public' || target === site;
}

/** Returns the farthest of the scopes of one host. */
export function farthest(scopes: readonly Scope[]): Scope {
  return NEARNESS.find((scope) => scopes.includes(scope)) ?? 'public';
}

/** Returns the scope of a host that needs no name server; undefined for other names. `host` is as in a URL. */
export function literalScope(host: string, scopeOfAddress = scopeOf): Scope | undefined {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  if (isIP(bare) !== 0) return scopeOfAddress(bare);
  return /(?:^|\.)localhost\.?$/i.test(bare) ? 'loopback' : undefined;
}

/** Returns the IPv4 address in an IPv6 address, if it is of a kind that contains one. */
function innerAddress(address: string): string | undefined {
  const groups = groupsOf(address);
  const v4 = (at: number): string =>
    [groups[at] ?? 0, groups[at + 1] ?? 0].flatMap((group) => [group >> 8, group & 0xff]).join('.');
  if (groups[0] === 0x2002) return v4(1);
  const prefix = groups.slice(0, 6).join(' ');
  const isNat64 = prefix === '100 65435 0 0 0 0';
  const isMapped = prefix === '0 0 0 0 0 65535' || prefix === '0 0 0 0 65535 0';
  const isCompatible = prefix === '0 0 0 0 0 0' && ((groups[6] ?? 0) > 0 || (groups[7] ?? 0) > 1);
  return isNat64 || isMapped || isCompatible ? v4(6) : undefined;
}

/** Returns the eight groups of an IPv6 address. */
function groupsOf(address: string): number[] {
  // A URL writes every address in one form, without a dotted part.
  const [head = '', tail] = new URL(`http://[${address}]/`).hostname.slice(1, -1).split('::');
  const numbers = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
  const first = numbers(head);
  const last = tail === undefined ? [] : numbers(tail);
  return [...first, ...Array.from({ length: 8 - first.length - last.length }, () => 0), ...last];
}
