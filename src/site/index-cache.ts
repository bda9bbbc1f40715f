import { createHash } from 'node:crypto';
import { readFile, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { CygstrapError } from '../errors.ts';
import { writeFileAtomically } from '../io/atomic-file.ts';
import { makeDirectory } from '../io/directories.ts';
import { INDEX_FORMS } from '../core/setup-ini/forms.ts';
import type { OriginalIndex } from './base/original-index.ts';

/** A cached index with the SHA-512 of its bytes. */
export interface CachedIndex extends OriginalIndex {
  readonly sha512: string;
}

type Facts = Omit<CachedIndex, 'bytes' | 'signature'>;

/** The indexes from which a repo was last made, as the sites sent them, below its `.cygstrap` directory. They save
 *  downloads and make `fetch --frozen` complete. They are not trusted: each use verifies them again. */
export class IndexCache {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Returns the index of a group of sites; undefined if there is none or if its files do not match each other. */
  async read(arch: string, group: number): Promise<CachedIndex | undefined> {
    const stem = this.#pathOf(arch, group);
    try {
      const facts = factsOf(await readFile(`${stem}.json`, 'utf8'));
      const bytes = await readFile(`${stem}.index`);
      if (facts === undefined || digestOf(bytes) !== facts.sha512) return undefined;
      return { ...facts, bytes, signature: facts.signer === 'unsigned' ? undefined : await readFile(`${stem}.sig`) };
    } catch {
      return undefined;
    }
  }

  /** Replaces the index of a group of sites. Throws `io`. */
  async write(
    arch: string,
    group: number,
    { site, path, form, signer, validator, bytes, signature }: OriginalIndex,
  ): Promise<void> {
    const stem = this.#pathOf(arch, group);
    const facts: Facts = { site, path, form, signer, validator, sha512: digestOf(bytes) };
    try {
      await makeDirectory(this.#directory);
      await writeFileAtomically(`${stem}.index`, bytes);
      if (signature !== undefined) await writeFileAtomically(`${stem}.sig`, signature);
      // Written last: its digest identifies a complete entry.
      await writeFileAtomically(`${stem}.json`, JSON.stringify(facts));
    } catch (cause) {
      throw new CygstrapError('io', `cannot write the index to \`${this.#directory}\``, { cause });
    }
  }

  /** Returns when the index of a group of sites was last written or confirmed, in milliseconds since 1970; undefined
   *  without one. */
  async confirmedMs(arch: string, group: number): Promise<number | undefined> {
    return stat(`${this.#pathOf(arch, group)}.json`).then(
      ({ mtimeMs }) => mtimeMs,
      () => undefined,
    );
  }

  /** Records that the site still has the index of a group. Throws `io`. */
  async confirm(arch: string, group: number, now: Date): Promise<void> {
    const path = `${this.#pathOf(arch, group)}.json`;
    try {
      await utimes(path, now, now);
    } catch (cause) {
      throw new CygstrapError('io', `cannot write \`${path}\``, { cause });
    }
  }

  #pathOf(arch: string, group: number): string {
    return join(this.#directory, `${arch}-${group}`);
  }
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha512').update(bytes).digest('hex');
}

function factsOf(text: string): Facts | undefined {
  const { site, path, form, signer, validator, sha512 } = JSON.parse(text) as Partial<Record<keyof Facts, unknown>>;
  const knownForm = INDEX_FORMS.find((one) => one === form);
  if (
    typeof site !== 'string' ||
    typeof path !== 'string' ||
    typeof signer !== 'string' ||
    typeof sha512 !== 'string' ||
    knownForm === undefined ||
    !path.endsWith(`.${knownForm}`)
  )
    return undefined;
  return {
    site,
    path,
    form: knownForm,
    signer,
    sha512,
    validator: typeof validator === 'string' ? validator : undefined,
  };
}
