import { flag, objectOf, oneOf, optional, parseShaped, textOf, uniqueListOf } from '../json/shape.ts';
import { arch, label, windows } from '../lock/patterns.ts';
import { LAYOUTS } from './config.ts';
import type { Config } from './config.ts';

/** One item of a list that stands for a package: no blanks, as a name has none, and no commas, which separate names
 *  elsewhere. */
const item = textOf(/^[^\s,\p{Cc}\p{Surrogate}]+$/u, 'a package as NAME or NAME=VERSION');

const items = uniqueListOf(item, (text) => text);
const labels = uniqueListOf(label, (text) => text);

/** Every field of a project file; `cygstrap.schema.json` beside this file says the same to editors, and a test compares
 *  them. */
export const CONFIG_FIELDS = {
  $schema: optional(label),
  packages: optional(items),
  categories: optional(labels),
  buildDepends: optional(items),
  arch: optional(arch),
  sites: optional(labels),
  keyring: optional(labels),
  windows: optional(windows),
  test: optional(flag),
  source: optional(flag),
  base: optional(flag),
  repo: optional(label),
  layout: optional(oneOf(LAYOUTS)),
};

const config = objectOf(CONFIG_FIELDS);

/** Reads the text of a project file; `file` names it in messages. Strict: an unknown field, an item given twice or a
 *  value of the wrong kind is refused with code `usage`, as `FILE:LINE: PATH MESSAGE`. Paths are returned as written.
 *  */
export function parseConfig(text: string, file: string): Config {
  return parseShaped(text, config, {
    file,
    code: 'usage',
    hint: 'README lists the fields of a project file; with its `$schema` an editor does',
  });
}
