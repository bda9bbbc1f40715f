import { open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { withoutControls } from '../printable.ts';
import { hasCode, ioError } from '../io/system-error.ts';
import type { ArchiveFile } from '../io/tar-gz.ts';
import { STAGES, STAGE_FILES, logPaths, runLogPath, stagePath } from './layout.ts';
import type { StageName, VmPlaces } from './layout.ts';
import { cleanJson } from './redact.ts';
import { sortedNamesIn } from './stage-store.ts';

/** Something that left logs or a stage: `key` is the key of a stage, or the name of the work directory of a run. */
export interface EvidenceSource {
  readonly stage: StageName | 'run';
  readonly key: string;
  /** Time of its newest log, in milliseconds since 1970; 0 without a log. */
  readonly loggedMs: number;
}

/** Longest part of a log that is kept: its end. */
const LONGEST_LOG_BYTES = 4 * 1024 * 1024;

const LOG_NAME = /^(install|snapshot|run)-(\w+)\.(?:console\.log|png|failure\.json)$/;

/** Lists the stages that are published or left logs, and the failed runs. Throws `io`. */
export async function listEvidence({ root, logs }: VmPlaces): Promise<EvidenceSource[]> {
  const found = new Map<string, EvidenceSource>();
  const add = (stage: EvidenceSource['stage'], key: string, loggedMs: number): void => {
    const id = `${stage} ${key}`;
    found.set(id, { stage, key, loggedMs: Math.max(loggedMs, found.get(id)?.loggedMs ?? 0) });
  };
  for (const stage of STAGES)
    for (const key of await sortedNamesIn(join(root, stage))) if (!key.startsWith('.')) add(stage, key, 0);
  for (const name of await sortedNamesIn(logs)) {
    const [, stage, key] = LOG_NAME.exec(name) ?? [];
    if (stage !== undefined && key !== undefined)
      add(stage as EvidenceSource['stage'], key, await modifiedMs(join(logs, name)));
  }
  return [...found.values()];
}

async function modifiedMs(path: string): Promise<number> {
  try {
    return (await stat(path)).mtimeMs;
  } catch (error) {
    throw ioError(error, 'read', path);
  }
}

/** Reads everything that helps to find out why a stage or a run failed: console, last screen, the record of the
 *  failure, findings about the packages, logs of the installer, manifest. Of long logs, the last 4 MiB. `clean`
 *  removes private data from every text; the screen is a picture and stays as it is. Throws `io`. */
export async function readEvidence(
  places: VmPlaces,
  { stage, key }: EvidenceSource,
  clean: (text: string) => string,
): Promise<ArchiveFile[]> {
  const files: ArchiveFile[] = [];
  const addText = async (name: string, path: string): Promise<void> => {
    const bytes = await endOf(path);
    if (bytes === undefined) return;
    const text = withoutControls(bytes.toString());
    files.push({ name, bytes: Buffer.from(name.endsWith('.json') ? cleanJson(text, clean) : clean(text)) });
  };
  if (stage === 'run') {
    await addText('console.log', runLogPath(places, key));
    return files;
  }
  const logs = logPaths(places, stage, key);
  await addText('console.log', logs.console);
  await addText('failure.json', logs.failure);
  for (const path of [logs.report, join(stagePath(places, stage, key), STAGE_FILES.report)])
    await addText(STAGE_FILES.report, path);
  await addText(STAGE_FILES.manifest, join(stagePath(places, stage, key), STAGE_FILES.manifest));
  for (const name of await sortedNamesIn(logs.setup)) await addText(`setup/${name}`, join(logs.setup, name));
  const screen = await orAbsent(() => readFile(logs.screen), logs.screen);
  if (screen !== undefined) files.push({ name: 'screen.png', bytes: screen });
  return files;
}

/** Returns the texts of these files of all published installations: the logs of a snapshot or a run can have the
 *  secrets of the installation they were made from. Throws `io`. */
export async function secretsOf(places: VmPlaces, names: readonly string[]): Promise<string[]> {
  const keys = await sortedNamesIn(join(places.root, 'install'));
  const paths = keys.flatMap((key) => names.map((name) => join(stagePath(places, 'install', key), name)));
  const texts = await Promise.all(paths.map((path) => endOf(path)));
  return texts.flatMap((bytes) => (bytes === undefined ? [] : [bytes.toString()]));
}

async function endOf(path: string): Promise<Buffer | undefined> {
  return orAbsent(async () => {
    await using file = await open(path, 'r');
    const { size } = await file.stat();
    const bytes = Buffer.alloc(Math.min(size, LONGEST_LOG_BYTES));
    const { bytesRead } = await file.read(bytes, 0, bytes.length, size - bytes.length);
    return bytes.subarray(0, bytesRead);
  }, path);
}

async function orAbsent<T>(read: () => Promise<T>, path: string): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw ioError(error, 'read', path);
  }
}
