import { createHash } from 'node:crypto';
import { craftSignature } from '../trust/support.ts';
import type { CraftedKey } from '../trust/support.ts';
import type { Script } from './fault-server.ts';
import { fault } from './faults.ts';

/** A made-up index with one package; its archive has the name of the package as content. */
export interface MadeIndex {
  readonly name?: string;
  readonly release?: string;
  /** In seconds since 1970; null for an index without timestamp. */
  readonly timestamp?: number | null;
}

/** Returns the text of an index. */
export function indexOf({ name = 'tool', release = 'made', timestamp = 1_700_000_000 }: MadeIndex = {}): Buffer {
  const sha512 = createHash('sha512').update(name).digest('hex');
  const lines = [
    `release: ${release}`,
    'arch: x86_64',
    ...(timestamp === null ? [] : [`setup-timestamp: ${timestamp}`]),
    '',
    `@ ${name}`,
    'sdesc: "made up"',
    'category: Utils',
    'version: 1-1',
    `install: ${archiveOf(name)} ${name.length} ${sha512}`,
    '',
  ];
  return Buffer.from(lines.join('\n'));
}

function archiveOf(name: string): string {
  return `x86_64/release/${name}/${name}-1-1.tar.xz`;
}

/** Returns the responses of a site with an uncompressed index and its archive; signed if there is a key. */
export function siteOf(index: MadeIndex, key?: CraftedKey): Script {
  const bytes = indexOf(index);
  const { name = 'tool' } = index;
  const etag = `"${createHash('md5').update(bytes).digest('hex')}"`;
  return {
    '/x86_64/setup.ini': fault.serve(bytes, { etag }),
    ...(key === undefined ? {} : { '/x86_64/setup.ini.sig': fault.serve(craftSignature(bytes, key)) }),
    [`/${archiveOf(name)}`]: fault.serve(Buffer.from(name)),
  };
}
