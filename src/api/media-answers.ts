import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { CygstrapError } from '../errors.ts';
import type { Report } from '../events.ts';
import { makeServerIdentity } from '../guest/identity.ts';
import type { ArchiveAnswer } from '../guest/kind.ts';
import { requireProgram } from '../guest/linux/programs.ts';
import type { Lock, LockedPackage } from '../core/lock/lock.ts';
import { printLock } from '../core/lock/print.ts';
import { guestKind } from './guest-kinds.ts';
import type { Answers } from './media.ts';

const NONCE_DIGITS = 24;

export interface AnswersRequest {
  /** Name of a guest kind. */
  readonly guest: string;
  /** File with the public key for the ssh login. */
  readonly authorizedKey: string;
  /** Directory for the new host key, as a line for `known_hosts`, and the new password. */
  readonly out: string;
}

/** Returns the content of the answer medium of a guest kind, for an installation by hand. Host key and password of the
 *  guest are new for each call. Throws `usage` for an unknown guest kind and for a file that is not a public key, and
 *  GuestError `tool` if `ssh-keygen` fails. */
export async function answersOf(
  { guest, authorizedKey, out }: AnswersRequest,
  lock: Lock,
  options: { readonly cacheDir: string; readonly report: Report; readonly signal?: AbortSignal | undefined },
): Promise<Answers> {
  const kind = guestKind(guest);
  const kit = await kind.prepare(options);
  const key = await publicKeyOf(authorizedKey);
  const nonce = createHash('sha256')
    .update(`${printLock(lock)}\0${key}`)
    .digest('hex')
    .slice(0, NONCE_DIGITS);
  const keygen = await requireProgram('ssh-keygen');
  const identity = await makeServerIdentity(keygen, out);
  const { firmware } = kind.defaults;
  return {
    form: kit.answerForm,
    filesOf: (setup) =>
      kit.answerFiles({ ...identity, nonce, authorizedKey: key, archives: archivesOf(lock), firmware, setup }),
  };
}

/** Converts the archives of a lock for the answer medium. */
export function archivesOf({ packages }: Pick<Lock, 'packages'>): ArchiveAnswer[] {
  return packages.map(archiveOf);
}

function archiveOf({ name, version, path, size, sha512, md5 }: LockedPackage): ArchiveAnswer {
  return {
    name,
    version,
    path,
    sizeBytes: size,
    digest: sha512 === undefined ? { algorithm: 'md5', hex: md5 ?? '' } : { algorithm: 'sha512', hex: sha512 },
  };
}

async function publicKeyOf(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new CygstrapError('usage', `cannot read the public key \`${path}\``, { cause });
  });
  const key = text.trim();
  if (/^(?:ssh|ecdsa|sk)-[\w@.-]+ [A-Za-z0-9+/]+={0,2}(?: [^\n]*)?$/.test(key)) return key;
  throw new CygstrapError('usage', `not an OpenSSH public key: \`${path}\``, {
    hint: 'use the file that ends in `.pub`, with one key',
  });
}
