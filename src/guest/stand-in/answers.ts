import { createHash } from 'node:crypto';

/** An archive that a guest is to install, as the repo medium has it. */
export interface ArchiveAnswer {
  /** Below the root of the medium: letters and signs without spaces or line ends. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly digest: { readonly algorithm: 'sha512' | 'md5'; readonly hex: string };
}

export interface Answers {
  /** What the guest has to say when it is done. */
  readonly nonce: string;
  /** One line of an OpenSSH public key, for the user who logs in. */
  readonly authorizedKey: string;
  /** In install order. */
  readonly archives: readonly ArchiveAnswer[];
}

/** A file for the answer medium; names are of the 8.3 form at most. */
export interface AnswerFile {
  readonly path: string;
  readonly content: string;
}

/** What the stand-in's installer reads from its floppy: what to say at the end, whom to let in, and which archives to unpack. */
export function standInAnswers({ nonce, authorizedKey, archives }: Answers): AnswerFile[] {
  const list = archives.map(({ path, sizeBytes, digest }) => `${digest.algorithm} ${digest.hex} ${sizeBytes} ${path}\n`).join('');
  const listDigest = createHash('sha512').update(list).digest('hex');
  return [
    { path: 'answers', content: `nonce=${nonce}\ndisk=/dev/sda\narchives=${listDigest}\n` },
    { path: 'archives', content: list },
    { path: 'authkeys', content: `${authorizedKey.trim()}\n` },
  ];
}
