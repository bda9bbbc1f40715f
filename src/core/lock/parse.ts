import { nodeOf } from '../json/node.ts';
import { JsonFault } from '../json/read.ts';
import type { JsonNode } from '../json/read.ts';
import {
  count,
  flag,
  listOf,
  objectOf,
  only,
  optional,
  orNull,
  parseShaped,
  textOf,
  uniqueListOf,
} from '../json/shape.ts';
import type { Shape } from '../json/shape.ts';
import { pathFaults } from '../setup-ini/paths.ts';
import { filesOf, isSameContent } from './files.ts';
import { LOCK_SCHEMA } from './lock.ts';
import type { Lock, LockedFile } from './lock.ts';
import { byteOrder } from '../version/byte-order.ts';
import { arch, windows, label } from './patterns.ts';

/** Reads the text of a lock file; `file` names it in messages. The result has its packages by name. CR LF, a byte order
 *  mark and the order of keys and packages do not matter. Throws `lock` as `FILE:LINE: PATH MESSAGE` for another
 *  schema, missing and unknown fields, malformed digests, paths that could leave a repo, packages listed twice, one
 *  path with two contents, and unlisted indexes. */
export function parseLock(text: string, file: string): Lock {
  const lock = parseShaped(text, lockShape, {
    file,
    code: 'lock',
    hint: 'restore the file from version control, or make it again with `cygstrap lock`',
  });
  return { ...lock, packages: [...lock.packages].sort((a, b) => byteOrder(a.name, b.name)) };
}

/** Returns the first reason why {@link parseLock} would refuse the text of a lock; undefined for a valid lock. */
export function faultOf(lock: Lock): JsonFault | undefined {
  try {
    lockShape(nodeOf(lock));
    return undefined;
  } catch (error) {
    if (error instanceof JsonFault) return error;
    throw error;
  }
}

const path: Shape<string> = (node) => {
  const text = label(node);
  const faults = pathFaults(text);
  if (faults.length > 0) throw new JsonFault(`is refused: the path \`${text}\` ${faults.join(', ')}`, node);
  return text;
};

const sha512 = textOf(/^[0-9a-f]{128}$/, 'a SHA-512 of 128 lower-case hexadecimal digits');
const md5 = textOf(/^[0-9a-f]{32}$/, 'an MD5 of 32 lower-case hexadecimal digits');

const fileFields = { path, size: count, sha512: optional(sha512), md5: optional(md5) };

/** Refuses a file with two digests. */
function withOneDigest<T extends LockedFile>(shape: Shape<T>): Shape<T> {
  return (node) => {
    const file = shape(node);
    if (file.sha512 !== undefined && file.md5 !== undefined) throw new JsonFault('has two digests', node);
    return file;
  };
}

const source = withOneDigest(objectOf({ name: label, version: label, ...fileFields }));
const pkg = withOneDigest(
  objectOf({ name: label, version: label, index: count, ...fileFields, source: optional(source) }),
);

const index = objectOf({
  release: orNull(label),
  arch: orNull(label),
  timestamp: orNull(count),
  sha512,
  signer: textOf(/^(?:unsigned|[0-9A-F]{40})$/, '`unsigned` or a fingerprint of 40 upper-case hexadecimal digits'),
});

const labels = uniqueListOf(label, (item) => item);

const request = objectOf({
  packages: labels,
  categories: labels,
  buildDepends: labels,
  base: flag,
  test: flag,
  source: flag,
  windows,
  arch,
});

const fields = objectOf({
  schema: only(LOCK_SCHEMA),
  resolver: label,
  request,
  indexes: listOf(index),
  packages: uniqueListOf(pkg, ({ name }) => name),
});

const lockShape: Shape<Lock> = (node) => {
  const lock = fields(node);
  refuseContradictions(lock, node);
  return lock;
};

/** Refuses an index number without an index, and one path with two contents. */
function refuseContradictions({ indexes, packages }: Lock, root: JsonNode): void {
  const known = new Map<string, LockedFile>();
  packages.forEach((each, i) => {
    const node = packageNode(root, i);
    if (each.index >= indexes.length)
      throw new JsonFault(`is from index ${each.index}, but the lock has ${indexes.length}`, node);
    for (const file of filesOf(each)) {
      const other = known.get(file.path);
      if (other === undefined) known.set(file.path, file);
      else if (!isSameContent(other, file))
        throw new JsonFault(`has another size or digest for \`${file.path}\` than a package before it`, node);
    }
  });
}

function packageNode(root: JsonNode, i: number): JsonNode {
  const list = (root.value as ReadonlyMap<string, JsonNode>).get('packages')?.value as readonly JsonNode[];
  return list[i] ?? root;
}
