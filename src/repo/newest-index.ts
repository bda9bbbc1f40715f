import { count, listOf, objectOf, only, orNull, parseShaped, text } from '../core/json/shape.ts';
import { joinNewest, newestIndexes } from '../core/lock/newest.ts';
import type { DatedIndex, NewestIndex } from '../core/lock/newest.ts';
import { readTextFile, writeTextFile } from '../io/text-file.ts';
import { NEWEST_INDEX_NAME, ownFile } from './files/layout.ts';

const SCHEMA = 1;

const shape = objectOf({
  schema: only(SCHEMA),
  indexes: listOf(
    objectOf({ index: count, signer: text, release: orNull(text), arch: orNull(text), timestamp: count }),
  ),
});

/** Reads the newest times of the indexes that were published in a repo; none if it has no such file. Throws `io`, and
 *  `repo` for a damaged file: without it an old index would be accepted. */
export async function readNewestIndexes(root: string): Promise<readonly NewestIndex[]> {
  const file = ownFile(root, NEWEST_INDEX_NAME);
  const json = await readTextFile(file, 'repo');
  if (json === undefined) return [];
  return parseShaped(json, shape, {
    file,
    code: 'repo',
    hint: 'delete the file; the next index is then accepted whatever its date',
  }).indexes;
}

/** Adds the indexes of all sites of a fetch to the newest times of a repo; the time of a signer never decreases. The
 *  repo exists, and the caller holds its lock. Throws as {@link readNewestIndexes}. */
export async function rememberIndexes(root: string, published: readonly DatedIndex[]): Promise<void> {
  const before = await readNewestIndexes(root);
  const indexes = joinNewest(before, newestIndexes(published));
  if (JSON.stringify(indexes) === JSON.stringify(before)) return;
  await writeTextFile(
    ownFile(root, NEWEST_INDEX_NAME),
    `${JSON.stringify({ schema: SCHEMA, indexes }, undefined, 2)}\n`,
  );
}
