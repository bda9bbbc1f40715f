import { resolve } from 'node:path';
import { ARCHIVE_PREFIX } from '../repo/bundle/format.ts';
import { COPY_HINT, readBundle } from '../repo/bundle/read.ts';
import type { BundleHead, IncomingMember } from '../repo/bundle/read.ts';
import { CygstrapError } from '../errors.ts';
import type { Report } from '../events.ts';
import type { Lock } from '../core/lock/lock.ts';
import type { SetupCommand } from '../core/lock/setup-command.ts';
import { parseLock } from '../core/lock/parse.ts';
import type { RepoFile } from '../repo/files/file.ts';
import { INDEX_FORMS } from '../core/setup-ini/forms.ts';
import { publishFull } from '../repo/publish.ts';
import { Store } from '../repo/store.ts';
import type { OperationContext } from './context.ts';
import { DEFAULTS } from './defaults.ts';
import { layoutOf } from '../repo/repo.ts';
import { filesNeeded } from './bundle-files.ts';
import { writeLock } from './lock-file.ts';
import { olderIndexWarnings } from './newest-index.ts';
import { readIndexForSetup, setupCommandOf } from './setup-command.ts';
import type { IndexForSetup } from './setup-command.ts';

export interface ApplyRequest {
  readonly bundle: string;
  readonly repo: string;
  /** File to which the lock of the bundle is written; by default `cygstrap.lock.json`. */
  readonly lock?: string | undefined;
}

export interface ApplySummary {
  readonly repo: string;
  readonly lock: string;
  readonly packages: number;
  /** Archives stored from the bundle. */
  readonly files: number;
  /** Of these archives, in bytes. */
  readonly size: number;
  /** Archives that the repo had before. */
  readonly present: number;
  /** The call of setup that installs the lock from this repo; null if its index does not list all packages. */
  readonly setup: SetupCommand | null;
}

/** Updates a repo to the lock in a bundle: stores the archives of the bundle, each verified against the lock or the
 *  index in it, checks that all files of the lock and the index exist, publishes the index, and writes the lock last.
 *  Refuses members that neither lists. After a failure the index of the repo and the lock are unchanged; verified
 *  archives stay, and the same call continues from there. Warns of an index that is older than one of the repo. Throws
 *  `corrupt`, `verify` or `lock` for an invalid bundle, `repo` for missing files, and `io`. */
export async function applyBundle(
  { bundle, repo, lock: lockFile = DEFAULTS.lock }: ApplyRequest,
  { report = () => {}, signal }: OperationContext = {},
): Promise<ApplySummary> {
  const root = resolve(repo);
  let work: Applying | undefined;
  try {
    await readBundle(bundle, {
      onHead: async (head) => {
        const { lock, needed } = await parseHead(bundle, head, report);
        for (const message of await olderIndexWarnings(lock, repo)) report({ kind: 'warning', message });
        const store = await Store.open(root, layoutOf(root), { report, ...(signal === undefined ? {} : { signal }) });
        work = new Applying({ bundle, head, lock, store, signal });
        await work.begin(needed);
      },
      onArchive: async (member) => work?.store(member),
    });
    if (work === undefined) throw new CygstrapError('corrupt', `\`${bundle}\` is empty`, { hint: COPY_HINT });
    const { files, size, present, lock, index } = await work.finish();
    await writeLock(lockFile, lock);
    const setup = await setupCommandOf(lock, index, { kind: 'directory', path: root });
    return { repo, lock: lockFile, packages: lock.packages.length, files, size, present, setup };
  } finally {
    await work?.close();
  }
}

async function parseHead(
  bundle: string,
  head: BundleHead,
  report: Report,
): Promise<{ lock: Lock; needed: RepoFile[] }> {
  const lock = parseLock(new TextDecoder().decode(head.lock), `${bundle}: lock`);
  const index =
    head.index === undefined ? undefined : { name: `${bundle}: ${head.index.name}`, bytes: head.index.bytes };
  return { lock, needed: await filesNeeded({ file: `${bundle}: lock`, lock }, index, report) };
}

interface ApplyingParts {
  readonly bundle: string;
  readonly head: BundleHead;
  readonly lock: Lock;
  readonly store: Store;
  readonly signal: AbortSignal | undefined;
}

interface Finished extends Pick<ApplySummary, 'files' | 'size' | 'present'> {
  readonly lock: Lock;
  readonly index: IndexForSetup;
}

/** A bundle that is being stored. */
class Applying {
  files = 0;
  size = 0;
  present = 0;
  readonly #parts: ApplyingParts;
  readonly #needed = new Map<string, RepoFile>();
  readonly #missing = new Set<string>();
  readonly #seen = new Set<string>();

  constructor(parts: ApplyingParts) {
    this.#parts = parts;
  }

  async begin(needed: readonly RepoFile[]): Promise<void> {
    const { store, lock, signal } = this.#parts;
    for (const file of needed) this.#needed.set(`${ARCHIVE_PREFIX}${file.path}`, file);
    const presence = await store.presence(needed, { signal });
    const { present, absent, damaged } = presence;
    store.requireFree(presence, { arch: lock.request.arch });
    await store.reserve(needed);
    this.present = present.length;
    for (const { path } of [...absent, ...damaged]) this.#missing.add(path);
  }

  async store({ name, sizeBytes, chunks }: IncomingMember): Promise<void> {
    const { bundle, store, signal } = this.#parts;
    const file = this.#needed.get(name);
    if (file === undefined) throw this.#broken(`neither its lock nor its index lists \`${name}\``);
    if (this.#seen.has(name)) throw this.#broken(`duplicate member \`${name}\``);
    this.#seen.add(name);
    if (sizeBytes !== file.sizeBytes) {
      throw new CygstrapError(
        'verify',
        `\`${bundle}\` is damaged: \`${file.path}\` has ${sizeBytes} bytes instead of ${file.sizeBytes}`,
        { hint: COPY_HINT },
      );
    }
    if (!this.#missing.has(file.path)) return;
    await store.put(file, async () => ({ startByte: 0, validator: undefined, chunks }), { signal });
    this.#missing.delete(file.path);
    this.files++;
    this.size += sizeBytes;
  }

  async finish(): Promise<Finished> {
    const { bundle, head, lock, store } = this.#parts;
    const missing = [...this.#missing].sort();
    if (missing.length > 0) {
      const shown = missing
        .slice(0, 5)
        .map((path) => `\`${path}\``)
        .join(', ');
      throw new CygstrapError(
        'repo',
        `${missing.length} files of the new lock are neither in \`${bundle}\` nor intact in the repo: ` +
          `${shown}${missing.length > 5 ? ', ...' : ''}`,
        {
          hint:
            'a bundle made with `--since` contains only new files; update the repo to that lock first, or ' +
            'make the bundle without `--since`',
          details: { missing },
        },
      );
    }
    const form = INDEX_FORMS.find((each) => head.index?.name === `setup.${each}`);
    if (head.index === undefined || form === undefined) throw this.#broken('it has no index');
    const { name, bytes, signature } = head.index;
    await publishFull(store, lock.request.arch, { form, bytes, signature });
    const index = await readIndexForSetup(lock, { name, bytes, isSigned: signature !== undefined });
    const { files, size, present } = this;
    return { lock, files, size, present, index };
  }

  close(): Promise<void> {
    return this.#parts.store.close();
  }

  #broken(reason: string): CygstrapError {
    return new CygstrapError('corrupt', `\`${this.#parts.bundle}\` is refused: ${reason}`, {
      hint: 'obtain it from a trusted place',
    });
  }
}
