import { open, readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { CygstrapError } from '../errors.ts';
import { INDEX_NAME } from '../repo/files/layout.ts';
import { pathFaults } from '../core/setup-ini/paths.ts';

/** A file of this computer for an image. */
export interface Addition {
  /** Path on the image. */
  readonly path: string;
  readonly location: string;
}

/** Returns the files that `HOST_PATH` or `HOST_PATH=PATH_ON_ISO` select: a file, or everything below a directory.
 *  The last `=` is the separator. Without it, the path on the image is the last name of the host path; a path that
 *  ends in a slash is a directory for that name. Sorted by path. Throws `usage` if a path does not exist, is neither
 *  file nor directory, or is invalid on the image. */
export async function additionsOf(words: readonly string[]): Promise<Addition[]> {
  const additions: Addition[] = [];
  for (const word of words) {
    const { host, path } = partsOf(word);
    for (const addition of await filesAt(resolve(host), path, host)) {
      requirePath(addition.path);
      additions.push(addition);
    }
  }
  return additions.sort((a, b) => (a.path < b.path ? -1 : Number(a.path > b.path)));
}

/** Returns everything below a directory, by paths relative to it, sorted. Throws as {@link additionsOf} does. */
export async function filesBelow(directory: string): Promise<Addition[]> {
  if ((await kindOf(resolve(directory), directory)) === 'file')
    throw new CygstrapError('usage', `\`${directory}\` is not a directory`);
  const found = (await filesAt(resolve(directory), '', directory)).map(({ path, location }) => ({
    path: path.slice(1),
    location,
  }));
  for (const { path } of found) requirePath(path);
  return found.sort((a, b) => (a.path < b.path ? -1 : Number(a.path > b.path)));
}

function partsOf(word: string): { readonly host: string; readonly path: string } {
  const at = word.lastIndexOf('=');
  const host = at < 0 ? word : word.slice(0, at);
  const path = at < 0 ? '' : word.slice(at + 1);
  if (host === '')
    throw new CygstrapError('usage', `missing file name in \`${word}\``, {
      hint: 'write FILE, or FILE=PATH with its path on the image',
    });
  return { host, path: path === '' || path.endsWith('/') ? `${path}${basename(resolve(host))}` : path };
}

async function filesAt(location: string, path: string, shown: string): Promise<Addition[]> {
  const kind = await kindOf(location, shown);
  if (kind === 'file') return [{ path, location }];
  const below: Addition[] = [];
  const entries = await readdir(location, { withFileTypes: true }).catch((cause: unknown) => {
    throw notReadable(shown, cause);
  });
  for (const entry of entries) {
    const inner = `${shown}/${entry.name}`;
    if (entry.isSymbolicLink() && (await kindOf(join(location, entry.name), inner)) === 'directory') {
      throw new CygstrapError('usage', `\`${inner}\` cannot be added: it is a link to a directory`, {
        hint: 'add the target directory separately',
      });
    }
    below.push(...(await filesAt(join(location, entry.name), `${path}/${entry.name}`, inner)));
  }
  return below;
}

async function kindOf(location: string, shown: string): Promise<'file' | 'directory'> {
  try {
    const facts = await stat(location);
    if (facts.isFile()) {
      await (await open(location, 'r')).close();
      return 'file';
    }
    if (facts.isDirectory()) return 'directory';
  } catch (cause) {
    throw notReadable(shown, cause);
  }
  throw new CygstrapError('usage', `\`${shown}\` cannot be added: it is neither a file nor a directory`);
}

function notReadable(shown: string, cause: unknown): CygstrapError {
  return new CygstrapError('usage', `\`${shown}\` cannot be added: it does not exist or is not readable`, { cause });
}

function requirePath(path: string): void {
  const faults = pathFaults(path);
  if (faults.length > 0)
    throw new CygstrapError('usage', `the path \`${path}\` is refused on the image: ${faults.join(', ')}`, {
      hint: 'rename the file, or choose another path with `--add FILE=PATH`',
    });
  const parts = path.split('/');
  // Setup searches for an index in the root directory and two levels below.
  if (parts.length <= 3 && INDEX_NAME.test((parts.at(-1) ?? '').toLowerCase())) {
    throw new CygstrapError('usage', `the path \`${path}\` is refused on the image: setup would read it as an index`, {
      hint: 'rename the file, or choose another path with `--add FILE=PATH`',
    });
  }
}
