import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CygstrapError } from '../errors.ts';
import { writeFileAtomically } from '../io/atomic-file.ts';
import { makeDirectory } from '../io/directories.ts';
import { INDEX_FORMS } from '../core/setup-ini/forms.ts';
import type { OriginalIndex } from './original-index.ts';

/** An index that was kept, and the SHA-512 of its bytes. */
export interface KeptIndex extends OriginalIndex {
  readonly sha512: string;
}

type Facts = Omit<KeptIndex, 'bytes' | 'signature'>;

/** The indexes a repo was last made from, as the sites sent them, below its `.cygstrap` directory. They save sending
 *  and make `fetch --frozen` complete; they are trusted no more than what a site sends. */
export class KeptIndexes {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Reads the index of a group of sites; undefined when there is none, or when what is there does not belong together.
   */
  async read(arch: string, group: number): Promise<KeptIndex | undefined> {
    const place = this.#place(arch, group);
    try {
      const facts = factsOf(await readFile(`${place}.json`, 'utf8'));
      const bytes = await readFile(`${place}.index`);
      if (facts === undefined || digestOf(bytes) !== facts.sha512) return undefined;
      return { ...facts, bytes, signature: facts.signer === 'unsigned' ? undefined : await readFile(`${place}.sig`) };
    } catch {
      return undefined;
    }
  }

  /** Keeps an index in the place of an earlier one. Throws `io`. */
  async keep(
    arch: string,
    group: number,
    { site, path, form, signer, validator, bytes, signature }: OriginalIndex,
  ): Promise<void> {
    const place = this.#place(arch, group);
    const facts: Facts = { site, path, form, signer, validator, sha512: digestOf(bytes) };
    try {
      await makeDirectory(this.#directory);
      await writeFileAtomically(`${place}.index`, bytes);
      if (signature !== undefined) await writeFileAtomically(`${place}.sig`, signature);
      // Last: what does not have this digest is not taken for this index.
      await writeFileAtomically(`${place}.json`, JSON.stringify(facts));
    } catch (cause) {
      throw new CygstrapError('io', `cannot keep the index in \`${this.#directory}\``, { cause });
    }
  }

  #place(arch: string, group: number): string {
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
