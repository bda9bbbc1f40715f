import type { LockOptions, LockSource } from '../../api/lock.ts';
import type { LockSaveResult } from '../../api/lock-save.ts';
import type { Project } from '../../api/project.ts';
import type { Lock } from '../../core/lock/lock.ts';
import type { LockDifference } from '../../core/lock/diff.ts';
import { countText, sizeText } from '../../report/text.ts';
import type { IndexArguments } from '../options/options.ts';
import { answerContext } from './answer-context.ts';
import { EXIT_DONE } from './failure.ts';
import { openCatalog, openSites, sitesOfUrls } from './open-catalog.ts';
import type { Session } from './session.ts';

/** Loads the indexes that `--index` names, or else the verified indexes of the sites. `before`: the lock that the new
 *  one replaces; an index older than its index is rejected. */
export async function openLockSource(
  session: Session,
  args: IndexArguments,
  { config, file }: Project,
  before: Lock | undefined,
): Promise<LockSource> {
  const urls = await sitesOfUrls(args);
  if (args.index.length > 0 && urls === undefined) return openCatalog(session, args);
  const { newestKnown } = await import('../../api/newest-index.ts');
  const newest = args.allowOlderIndex ? [] : await newestKnown(before, config.repo);
  const opening = { project: { config, file }, arch: urls?.arch ?? config.arch, newest, mustAsk: true };
  return openSites(session, { ...args, ...urls }, opening);
}

/** Returns the options of the operations that make a lock. */
export function lockOptionsOf(
  session: Session,
  args: Parameters<typeof answerContext>[1] & { readonly allowUndigested: boolean },
  arch: string | undefined,
): Omit<LockOptions, 'signal'> {
  return { ...answerContext(session, args), arch, allowUndigested: args.allowUndigested };
}

interface NewLock {
  readonly file: string;
  readonly lock: Lock;
  /** The lock that it replaces. */
  readonly before: Lock | undefined;
}

/** Writes a lock and prints what changed. Returns the exit code. */
export async function saveAndPrint(
  session: Session,
  args: { readonly json: boolean },
  { file, lock, before }: NewLock,
): Promise<number> {
  const { saveLock } = await import('../../api/lock-save.ts');
  const saved = await saveLock(file, lock, before);
  if (args.json) await session.output.json(await lockJson(saved));
  else await session.output.data(await lockText(saved));
  return EXIT_DONE;
}

/** Returns the JSON of a lock that was written. */
export async function lockJson(saved: LockSaveResult) {
  const { SCHEMA } = await import('../../report/json.ts');
  return { schema: SCHEMA, ...saved };
}

/** Returns what changed in a lock that was written, and its totals, as text. */
export async function lockText({ lock, written, packages, difference, files, size }: LockSaveResult): Promise<string> {
  const changes = difference === null ? '' : await changesText(difference);
  const verb = written ? 'locked' : 'nothing changed: locked';
  const counts = `${countText(packages, 'package')}, ${countText(files, 'file')}, ${sizeText(size)}`;
  return `${changes}${verb} in \`${lock}\`: ${counts}\n`;
}

async function changesText(difference: LockDifference): Promise<string> {
  const { added, removed, changed, downloadBytes, obsoleteBytes } = difference;
  if (added.length + removed.length + changed.length + downloadBytes + obsoleteBytes === 0) return '';
  const { differenceText } = await import('../../report/difference.ts');
  const sizes = `${sizeText(downloadBytes)} to download, ${sizeText(obsoleteBytes)} no longer needed`;
  return `${differenceText(difference)}, ${sizes}\n`;
}
