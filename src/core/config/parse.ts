import { flag, objectOf, oneOf, optional, parseShaped, textOf, uniqueListOf } from '../json/shape.ts';
import { ARCHITECTURES } from '../lock/lock.ts';
import { label } from '../lock/patterns.ts';
import { WINDOWS_KIND_NAMES, WINDOWS_VERSION } from '../windows/kinds.ts';
import type { Shape } from '../json/shape.ts';
import { LAYOUTS, siteAddress } from './config.ts';
import type { Config, SiteEntry, TrustedSite } from './config.ts';

/** One package of a list: without blanks, which names never contain, and without commas, which separate names
 *  elsewhere. */
const item = textOf(/^[^\s,\p{Cc}\p{Surrogate}]+$/u, 'a package as NAME or NAME=VERSION');

const items = uniqueListOf(item, (text) => text);
const labels = uniqueListOf(label, (text) => text);

const trustedSite: Shape<TrustedSite> = objectOf({ address: label, keys: optional(labels), unsigned: optional(flag) });

/** An address, or an object for a site with a trust of its own. */
const site: Shape<SiteEntry> = (node) => (node.value instanceof Map ? trustedSite(node) : label(node));

const sites = uniqueListOf(site, siteAddress);

/** A version or a kind. */
const windows = textOf(
  new RegExp(`${WINDOWS_VERSION.source}|^(${WINDOWS_KIND_NAMES.join('|').replaceAll('.', '\\.')})$`),
  'a version of Windows like 10.0.19045, or a kind like windows-7',
);

/** All fields of a project file. `cygstrap.schema.json` declares the same for editors; a test compares them. */
export const CONFIG_FIELDS = {
  $schema: optional(label),
  packages: optional(items),
  categories: optional(labels),
  buildDepends: optional(items),
  arch: optional(oneOf(ARCHITECTURES)),
  sites: optional(sites),
  addSites: optional(sites),
  keyring: optional(labels),
  windows: optional(windows),
  test: optional(flag),
  source: optional(flag),
  base: optional(flag),
  repo: optional(label),
  layout: optional(oneOf(LAYOUTS)),
};

const config = objectOf(CONFIG_FIELDS);

/** Parses the text of a project file; `file` is its name for messages. Throws `usage` as `FILE:LINE: PATH MESSAGE`
 *  for an unknown field, a duplicate item or a value of the wrong type. Returns paths as written. */
export function parseConfig(text: string, file: string): Config {
  return parseShaped(text, config, {
    file,
    code: 'usage',
    hint: 'src/docs/cli.md lists the fields of a project file; with `$schema`, editors complete them',
  });
}
