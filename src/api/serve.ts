import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Lock } from '../core/lock/lock.ts';
import type { SetupCommand } from '../core/lock/setup-command.ts';
import { CygstrapError } from '../errors.ts';
import type { Report } from '../events.ts';
import { siteOfDirectory } from '../repo/files/layout.ts';
import type { RepoPlaces } from '../repo/files/layout.ts';
import { indexOfArch } from '../repo/index-files.ts';
import { inspectRepo } from '../repo/repo.ts';
import { isHidden } from '../serve/path.ts';
import { serveDirectory } from '../serve/serve.ts';
import type { RepoServer } from '../serve/serve.ts';
import type { OperationContext } from './context.ts';
import { readLock } from './lock-file.ts';
import { archivesIn, readIndexForSetup, setupCommandOf, unlistedPackages } from './setup-command.ts';

export interface ServeRequest {
  readonly repo: string;
  /** Name or address to listen on; by default only this computer can connect. */
  readonly host?: string | undefined;
  /** By default any free port. */
  readonly port?: number | undefined;
  /** A lock file; for its packages the call of setup is returned. */
  readonly lock?: string | undefined;
}

/** An address that setup and cygstrap accept as a site. */
export interface ServedAddress {
  /** Ends with a slash. */
  readonly url: string;
  /** Address of the site whose files it serves; null for a repo that does not record it. */
  readonly site: string | null;
  /** The call of setup that installs the lock from this address; null without a lock, without an index, and if the
   *  index does not list all packages of the lock. */
  readonly setup: SetupCommand | null;
}

export interface ServedRepo extends RepoServer {
  readonly addresses: readonly ServedAddress[];
}

/** Serves a repo until the caller closes the server. With the layout `site`, a single site is at the root of the server
 *  and several sites are directories below it. Reports each request as a note. Throws `not-found` for a missing
 *  directory, `io` if the address cannot be bound, `lock` for an invalid lock, and the errors of reading an index. */
export async function serveRepo(
  { repo, host, port, lock }: ServeRequest,
  { report = () => {} }: OperationContext = {},
): Promise<ServedRepo> {
  const locked = lock === undefined ? undefined : await readLock(lock);
  const root = resolve(repo);
  const bases = basesOf(root);
  const [only = ''] = bases;
  const aliases = bases.length === 1 ? new Map<string, string>() : aliasesOf(bases.filter((base) => base !== ''));
  const server = await serveDirectory(bases.length === 1 ? join(root, only) : root, {
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port }),
    aliases,
    log: ({ method, target, status, sentBytes, durationMs, isComplete }) => {
      const end = isComplete ? `${sentBytes} bytes` : 'aborted';
      report({ kind: 'note', message: `${method} ${target}: ${status}, ${end}, ${durationMs} ms` });
    },
  });
  try {
    const paths = new Map([...aliases].map(([alias, base]) => [base, `${alias}/`]));
    const addresses: ServedAddress[] = [];
    for (const base of bases) {
      const url = `${server.url}${paths.get(base) ?? ''}`;
      const setup = locked === undefined ? null : await setupFor(locked, { root, base }, url, report);
      addresses.push({ url, site: siteOfDirectory(base) ?? null, setup });
    }
    return { ...server, addresses };
  } catch (error) {
    await server.close(0);
    throw error;
  }
}

/** Returns the directories in which paths of an index start; the root for a directory that is no repo. */
function basesOf(root: string): readonly string[] {
  try {
    const { bases } = inspectRepo(root);
    return bases.length === 0 ? [''] : bases;
  } catch (error) {
    // The server refuses each link in the repo.
    if (error instanceof CygstrapError && error.code === 'repo') return [''];
    throw error;
  }
}

/** Returns a short name for each directory of a site. The name of the directory is no part of an address: it contains
 *  `%2`, which is a parameter in a batch file of Windows. */
function aliasesOf(bases: readonly string[]): Map<string, string> {
  const aliases = new Map<string, string>();
  for (const base of bases) {
    const site = siteOfDirectory(base) ?? '';
    const words = site.replace(/^[a-z]+:/i, '').match(/[A-Za-z0-9.]+/g) ?? [];
    const name = words.join('-');
    const stem = name === '' || isHidden(name) ? 'site' : name;
    let alias = stem;
    for (let number = 2; aliases.has(alias); number++) alias = `${stem}-${number}`;
    aliases.set(alias, base);
  }
  return aliases;
}

async function setupFor(lock: Lock, places: RepoPlaces, url: string, report: Report): Promise<SetupCommand | null> {
  const found = indexOfArch(places, lock.request.arch);
  if (found === undefined) return null;
  const { path, location } = found.index;
  const bytes = await readFile(location);
  const index = await readIndexForSetup(lock, { name: path, bytes, isSigned: found.signature !== undefined });
  const unlisted = unlistedPackages(lock, archivesIn(index.records));
  if (unlisted.length > 0)
    report({ kind: 'warning', message: `the index at ${url} does not list ${unlisted.join(', ')} of the lock` });
  return setupCommandOf(lock, index, { kind: 'site', url });
}
