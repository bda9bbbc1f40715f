import { lstat } from 'node:fs/promises';
import { CONFIG_NAME } from '../core/config/config.ts';
import { parseConfig } from '../core/config/parse.ts';
import { CygstrapError } from '../errors.ts';
import { writeTextFile } from '../io/text-file.ts';

/** Address of the schema, for editors. */
const SCHEMA_ADDRESS = 'https://unpkg.com/cygstrap/src/core/config/cygstrap.schema.json';

export interface InitRequest {
  /** The new project file; by default `cygstrap.json`. */
  readonly file?: string | undefined;
  /** `NAME`, or `NAME=VERSION`. */
  readonly packages?: readonly string[] | undefined;
  /** Mirrors, in order of preference. */
  readonly sites?: readonly string[] | undefined;
}

export interface InitResult {
  /** The project file. */
  readonly project: string;
  readonly packages: readonly string[];
}

/** Writes a new project file. Throws `usage` if it exists and for an invalid package, `io`. */
export async function initProject({
  file = CONFIG_NAME,
  packages = [],
  sites = [],
}: InitRequest = {}): Promise<InitResult> {
  if ((await lstat(file).catch(() => undefined)) !== undefined)
    throw new CygstrapError('usage', `\`${file}\` already exists`, {
      hint: 'change its packages with `cygstrap add` and `cygstrap remove`',
    });
  const config = { $schema: SCHEMA_ADDRESS, packages, ...(sites.length > 0 && { sites }) };
  const text = `${JSON.stringify(config, undefined, 2)}\n`;
  parseConfig(text, file);
  await writeTextFile(file, text);
  return { project: file, packages };
}
