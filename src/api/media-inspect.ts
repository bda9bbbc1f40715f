import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CygstrapError } from '../errors.ts';
import type { Report } from '../events.ts';
import { writeFileAtomically } from '../io/atomic-file.ts';
import { makeDirectory } from '../io/directories.ts';
import { identityOf } from '../io/file-identity.ts';
import { ioError } from '../io/system-error.ts';
import { MediaError } from '../media/base/media-error.ts';
import { inspectMedium } from '../media/inspect/inspect.ts';
import type { WindowsMedium } from '../media/inspect/windows.ts';
import { cacheDirectoryOf } from './context.ts';
import type { OperationContext } from './context.ts';

export interface MediaInspectRequest {
  /** The ISO image. */
  readonly iso: string;
  /** Whether to read the whole image for its digest. */
  readonly digest?: boolean | undefined;
  /** The expected digest, 64 hexadecimal digits; implies `digest`. */
  readonly sha256?: string | undefined;
}

export interface MediaInspectResult extends WindowsMedium {
  /** In hexadecimal; null if it was neither computed nor known from before. */
  readonly sha256: string | null;
}

/** Reads what a Windows installation medium is: its editions, and how it starts. Computes the SHA-256 of the image only
 *  on request, once for each state of the file. Reports a warning for each file that cannot be searched for answer
 *  files. Throws `media` for a file that is not such a medium, or that has an answer file of its own; `corrupt`;
 *  `verify` for another digest than the expected one; `io`; and the reason of the signal. */
export async function inspectMedia(
  { iso, digest = false, sha256: expected }: MediaInspectRequest,
  context: OperationContext = {},
): Promise<MediaInspectResult> {
  const { report = () => {}, signal } = context;
  const medium = await inspectMedium(iso);
  const [answers] = medium.answerFiles;
  if (answers !== undefined) {
    throw new MediaError('unsupported', `\`${iso}\` has an answer file of its own: \`${answers}\``, {
      hint: 'use the image as its publisher offers it: Setup can prefer this answer file to that of cygstrap',
      details: { answerFiles: medium.answerFiles },
    });
  }
  for (const { path, reason } of medium.unchecked)
    report({ kind: 'warning', message: `\`${path}\` in \`${iso}\` is not searched for answer files: ${reason}` });
  const sha256 = await digestOf(iso, medium.sizeBytes, {
    isWanted: digest || expected !== undefined,
    cacheDir: cacheDirectoryOf(context, 'images'),
    report,
    signal,
  });
  if (expected !== undefined && sha256 !== expected.toLowerCase()) {
    throw new CygstrapError('verify', `\`${iso}\` has the SHA-256 ${sha256}, not ${expected.toLowerCase()}`, {
      hint: 'download it again, or correct `--iso-sha256`',
      details: { expected: expected.toLowerCase(), actual: sha256 },
    });
  }
  return { ...medium, sha256 };
}

interface DigestOptions {
  readonly isWanted: boolean;
  /** Directory of the digests of images that were read before; undefined: none is kept. */
  readonly cacheDir: string | undefined;
  readonly report: Report;
  readonly signal: AbortSignal | undefined;
}

/** Returns the digest of an image from the note of an earlier call, or else, if it is wanted, by reading it. */
async function digestOf(
  iso: string,
  sizeBytes: number,
  { isWanted, cacheDir, report, signal }: DigestOptions,
): Promise<string | null> {
  const identity = createHash('sha256').update(await identityOf(iso));
  const note = cacheDir === undefined ? undefined : join(cacheDir, identity.digest('hex'));
  const known = note === undefined ? undefined : await readFile(note, 'utf8').catch(() => undefined);
  if (known !== undefined && /^[0-9a-f]{64}$/.test(known)) return known;
  if (!isWanted) return null;
  const hex = await readDigest(iso, sizeBytes, { report, signal });
  if (note === undefined || cacheDir === undefined) return hex;
  try {
    await makeDirectory(cacheDir);
    await writeFileAtomically(note, hex);
  } catch {
    report({ kind: 'note', message: `the digest of \`${iso}\` cannot be kept in \`${cacheDir}\`` });
  }
  return hex;
}

async function readDigest(
  iso: string,
  sizeBytes: number,
  { report, signal }: Pick<DigestOptions, 'report' | 'signal'>,
): Promise<string> {
  const hash = createHash('sha256');
  report({ kind: 'transfer-start', path: iso, site: 'this computer', sizeBytes, fromByte: 0 });
  try {
    for await (const chunk of createReadStream(iso, { highWaterMark: 1 << 20, ...(signal && { signal }) })) {
      const bytes = chunk as Buffer;
      hash.update(bytes);
      report({ kind: 'transfer-bytes', path: iso, receivedBytes: bytes.length });
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw ioError(error, 'read', iso);
  }
  return hash.digest('hex');
}
