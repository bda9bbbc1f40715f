import { readFile } from 'node:fs/promises';
import { CygstrapError } from '../errors.ts';
import type { Report } from '../events.ts';
import { parseInstalledDb } from '../core/resolve/installed.ts';
import type { InstalledPackage, ResolveRequest } from '../core/resolve/plan.ts';
import { DEFAULT_WINDOWS } from '../core/resolve/request.ts';
import { windowsVersion } from '../core/windows/kinds.ts';
import { windowsHint } from './windows-hint.ts';

/** What {@link windowsOf} accepts, for messages. */
const WINDOWS_FORMS = `a version like ${DEFAULT_WINDOWS}, or a kind like windows-7`;

/** Returns the version of a Windows that is named by its version or its kind. Throws `usage` for any other text.
 *  @param name of the option or field, for the message */
export function windowsOf(text: string, name: string): string {
  const version = windowsVersion(text);
  if (version !== undefined) return version;
  throw new CygstrapError('usage', `${name} must be ${WINDOWS_FORMS}: \`${text}\``, { hint: windowsHint(text) });
}

/** A line of a batch: a request, or the reason why it is invalid. */
export type ParsedRequest =
  { readonly kind: 'request'; readonly request: ResolveRequest } | { readonly kind: 'fault'; readonly message: string };

const LISTS = ['packages', 'categories', 'buildDepends'] as const;
const FLAGS = ['base', 'test', 'source'] as const;
const FIELDS = new Set<string>([...LISTS, ...FLAGS, 'windows']);

/** Parses one JSON request. Missing fields are as in `defaults`; an unknown field or a value of the wrong type is an
 *  error. */
export function parseRequest(text: string, defaults: ResolveRequest): ParsedRequest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return fault('expected a JSON object');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return fault('expected a JSON object');
  const fields = value as Record<string, unknown>;
  const unknown = Object.keys(fields).find((name) => !FIELDS.has(name));
  if (unknown !== undefined)
    return fault(`unknown field ${JSON.stringify(unknown)}; valid fields: ${[...FIELDS].join(', ')}`);
  for (const name of LISTS) {
    const list = fields[name];
    if (list !== undefined && !(Array.isArray(list) && list.every((item) => typeof item === 'string' && item !== ''))) {
      return fault(`${name} must be a list of strings`);
    }
  }
  for (const name of FLAGS) {
    if (fields[name] !== undefined && typeof fields[name] !== 'boolean') return fault(`${name} must be true or false`);
  }
  const { windows } = fields;
  if (windows === undefined) return { kind: 'request', request: { ...defaults, ...fields } };
  const version = typeof windows === 'string' ? windowsVersion(windows) : undefined;
  if (version === undefined) return fault(`windows must be ${WINDOWS_FORMS}`);
  return { kind: 'request', request: { ...defaults, ...fields, windows: version } };
}

function fault(message: string): ParsedRequest {
  return { kind: 'fault', message };
}

/** Reads the installed.db of a Cygwin installation. Reports a warning for each loss (see {@link parseInstalledDb}).
 *  Throws `io` if the file cannot be read, `parse` for invalid lines. */
export async function readInstalled(path: string, report: Report = () => {}): Promise<InstalledPackage[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new CygstrapError('io', `cannot read \`${path}\``, { cause });
  }
  return parseInstalledDb(text, path, (message) => report({ kind: 'warning', message }));
}
