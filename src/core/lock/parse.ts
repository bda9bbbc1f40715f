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
import { byteOrder } from './order.ts';
import { arch, windows, word } from './words.ts';

/** Reads the text of a lock file; `file` names it in messages. Whatever is not exactly a lock is refused with code
 *  `lock`, as `FILE:LINE: PATH MESSAGE`: another schema, missing and unknown fields, digests that are none, paths that
 *  could leave a repo, packages named twice, one path with two contents, indexes that are not there. CR LF, a byte
 *  order mark and the order of keys and packages do not matter: the result has its packages by name. */
export function parseLock(text: string, file: string): Lock {
  const lock = parseShaped(text, lockShape, {
    file,
    code: 'lock',
    hint: 'take the file from before it was changed, or make it anew with `cygstrap lock`',
  });
  return { ...lock, packages: [...lock.packages].sort((a, b) => byteOrder(a.name, b.name)) };
}

const path: Shape<string> = (node) => {
  const text = word(node);
  const faults = pathFaults(text);
  if (faults.length > 0) throw new JsonFault(`is refused: the path \`${text}\` ${faults.join(', ')}`, node);
  return text;
};

const sha512 = textOf(/^[0-9a-f]{128}$/, 'a SHA-512 of 128 lower-case hexadecimal digits');
const md5 = textOf(/^[0-9a-f]{32}$/, 'an MD5 of 32 lower-case hexadecimal digits');

const fileFields = { path, size: count, sha512: optional(sha512), md5: optional(md5) };

/** An object with the fields of a file and perhaps more, of which one digest at most is there. */
function withOneDigest<T extends LockedFile>(shape: Shape<T>): Shape<T> {
  return (node) => {
    const file = shape(node);
    if (file.sha512 !== undefined && file.md5 !== undefined) throw new JsonFault('has two digests', node);
    return file;
  };
}

const source = withOneDigest(objectOf({ name: word, version: word, ...fileFields }));
const pkg = withOneDigest(
  objectOf({ name: word, version: word, index: count, ...fileFields, source: optional(source) }),
);

const index = objectOf({
  release: orNull(word),
  arch: orNull(word),
  timestamp: orNull(count),
  sha512,
  signer: textOf(/^(?:unsigned|[0-9A-F]{40})$/, '`unsigned` or a fingerprint of 40 upper-case hexadecimal digits'),
});

const words = uniqueListOf(word, (item) => item);

const request = objectOf({
  packages: words,
  categories: words,
  buildDepends: words,
  base: flag,
  test: flag,
  source: flag,
  windows,
  arch,
});

const fields = objectOf({
  schema: only(LOCK_SCHEMA),
  resolver: word,
  request,
  indexes: listOf(index),
  packages: uniqueListOf(pkg, ({ name }) => name),
});

const lockShape: Shape<Lock> = (node) => {
  const lock = fields(node);
  refuseClashes(lock, node);
  return lock;
};

/** Refuses what no single field shows: an index that is not listed, one path that is promised two contents. */
function refuseClashes({ indexes, packages }: Lock, root: JsonNode): void {
  const known = new Map<string, LockedFile>();
  packages.forEach((each, i) => {
    const node = nodeOf(root, i);
    if (each.index >= indexes.length)
      throw new JsonFault(`is from index ${each.index}, and there are ${indexes.length}`, node);
    for (const file of filesOf(each)) {
      const other = known.get(file.path);
      if (other === undefined) known.set(file.path, file);
      else if (!isSameContent(other, file))
        throw new JsonFault(`gives \`${file.path}\` another size or digest than a package before it`, node);
    }
  });
}

function nodeOf(root: JsonNode, i: number): JsonNode {
  const list = (root.value as ReadonlyMap<string, JsonNode>).get('packages')?.value as readonly JsonNode[];
  return list[i] ?? root;
}
