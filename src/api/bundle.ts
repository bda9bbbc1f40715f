import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import {
  ARCHIVE_PREFIX,
  BUNDLE_SCHEMA,
  INDEX_PREFIX,
  LOCK_MEMBER,
  MANIFEST_NAME,
  printManifest,
} from '../repo/bundle/format.ts';
import { writeBundle } from '../repo/bundle/write.ts';
import type { Member } from '../repo/bundle/write.ts';
import { CygstrapError } from '../errors.ts';
import { codeOf, hasCode } from '../io/system-error.ts';
import type { Lock } from '../core/lock/lock.ts';
import type { SetupCommand } from '../core/lock/setup-command.ts';
import { byteOrder } from '../core/version/byte-order.ts';
import { printLock } from '../core/lock/print.ts';
import { lookBelow } from '../io/no-follow.ts';
import type { RepoFile, RepoPath } from '../repo/files/file.ts';
import { linkError } from '../repo/files/links.ts';
import { indexOfArch } from '../repo/index-files.ts';
import { locate, placesOf } from '../repo/files/layout.ts';
import type { RepoPlaces } from '../repo/files/layout.ts';
import { layoutOf } from '../repo/repo.ts';
import { distinctFiles } from '../repo/files/path-conflicts.ts';
import { filesNeeded } from './bundle-files.ts';
import type { OperationContext } from './context.ts';
import { DEFAULTS } from './defaults.ts';
import { readLock } from './lock-file.ts';
import { filesOfLock } from './repo-files.ts';
import { requireRepoDirectory } from './repo-directory.ts';
import { readIndexForSetup, setupCommandOf } from './setup-command.ts';

export interface BundleRequest {
  readonly repo: string;
  /** The lock the repo was fetched for; by default `cygstrap.lock.json`. */
  readonly lock?: string | undefined;
  /** The lock that the other side has; undefined: it has nothing. */
  readonly since?: string | undefined;
  readonly out: string;
}

export interface BundleSummary {
  /** The file. */
  readonly bundle: string;
  /** Of the tar, in bytes. */
  readonly size: number;
  /** Archives in it, and what the lock needs besides. */
  readonly files: number;
  readonly leftOut: number;
  /** The call of setup that installs the lock from the repo, and from a repo to which the bundle was applied; null if
   *  the index does not list all packages of the lock. */
  readonly setup: SetupCommand | null;
}

/** Writes one tar with the new lock, the index of the repo, and every archive that they need and the old lock did not.
 *  Each is read and compared on the way; the same input gives the same bytes. Throws `repo` for a repo without index,
 *  `lock` for a lock that contradicts the index, `verify` for a file that differs from the lock, `not-found`, `io` and
 *  the signal's reason. */
export async function makeBundle(
  { repo, lock: lockFile = DEFAULTS.lock, since, out }: BundleRequest,
  { report = () => {}, signal }: OperationContext = {},
): Promise<BundleSummary> {
  const lock = await readLock(lockFile);
  const before = since === undefined ? undefined : await readLock(since);
  await requireRepoDirectory(repo);
  const root = resolve(repo);
  const places = placesOf(root, layoutOf(root));
  const { index, signature } = await indexMembers(places, lock);
  const head = [memberOf(LOCK_MEMBER, Buffer.from(printLock(lock))), index, ...signature];
  const needed = await filesNeeded({ file: lockFile, lock }, index, report);
  const present = new Map(
    (before === undefined ? [] : distinctFiles(filesOfLock(before))).map((file) => [file.path, contentOf(file)]),
  );
  const files = needed
    .filter((file) => present.get(file.path) !== contentOf(file))
    .sort((a, b) => byteOrder(a.path, b.path));
  const members = head.map(({ name, bytes, digest }) => ({ name, size: bytes.length, sha512: digest.hex }));
  const manifest = memberOf(MANIFEST_NAME, Buffer.from(printManifest({ schema: BUNDLE_SCHEMA, members })));
  const size = await writeBundle(out, [manifest, ...head, ...files.map((file) => archiveMember(places, file))], signal);
  const forSetup = await readIndexForSetup(lock, { ...index, isSigned: signature.length > 0 });
  const setup = await setupCommandOf(lock, forSetup, { kind: 'directory', path: root });
  return { bundle: out, size, files: files.length, leftOut: needed.length - files.length, setup };
}

type TextMember = Member & { readonly bytes: Buffer };

function memberOf(name: string, bytes: Buffer): TextMember {
  return {
    name,
    bytes,
    sizeBytes: bytes.length,
    digest: { algorithm: 'sha512', hex: createHash('sha512').update(bytes).digest('hex') },
    chunks: [bytes],
  };
}

/** The index in force and its signature, if it has one. */
async function indexMembers(
  places: RepoPlaces,
  lock: Lock,
): Promise<{ readonly index: TextMember; readonly signature: readonly TextMember[] }> {
  const found = indexOfArch(places, lock.request.arch);
  if (found === undefined) {
    throw new CygstrapError('repo', `\`${places.root}\` has no index for ${lock.request.arch}`, {
      hint: 'create the repo with `cygstrap fetch` first',
    });
  }
  const { index, signature } = found;
  return {
    index: await indexMember(index.location),
    signature: signature === undefined ? [] : [await indexMember(signature)],
  };
}

async function indexMember(path: string): Promise<TextMember> {
  return memberOf(`${INDEX_PREFIX}${basename(path).toLowerCase()}`, await readFile(path));
}

function archiveMember(places: RepoPlaces, { path, sizeBytes, digest }: RepoFile): Member {
  if (digest === undefined)
    throw new CygstrapError('verify', `\`${path}\` has no digest in the lock: it cannot be bundled`, {
      hint: 'lock the packages again from an index with digests',
      details: { path },
    });
  return { name: `${ARCHIVE_PREFIX}${path}`, sizeBytes, digest, chunks: readArchive(places, path) };
}

async function* readArchive(places: RepoPlaces, path: RepoPath): AsyncGenerator<Uint8Array, void, undefined> {
  const { root, base } = places;
  const found = lookBelow(root, base === '' ? path : `${base}/${path}`);
  if (found.kind === 'link') throw linkError(root, found.link);
  try {
    yield* createReadStream(locate(places, path), { highWaterMark: 1 << 20 }) as AsyncIterable<Uint8Array>;
  } catch (cause) {
    if (codeOf(cause) === undefined) throw cause;
    const isAbsent = hasCode(cause, 'ENOENT');
    throw new CygstrapError(
      isAbsent ? 'verify' : 'io',
      `${isAbsent ? 'the repo does not have' : 'cannot read'} \`${path}\``,
      { cause, hint: 'fetch what the lock needs with `cygstrap fetch`' },
    );
  }
}

function contentOf({ sizeBytes, digest }: RepoFile): string {
  return `${sizeBytes} ${digest?.algorithm ?? ''} ${digest?.hex ?? ''}`;
}
