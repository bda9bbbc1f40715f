import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { RepoFile } from '../file.ts';
import { PART_FACTS_SUFFIX, PART_SUFFIX } from '../layout.ts';
import { shown } from '../verify-error.ts';

/** What a kept part of a file is a part of. */
export interface PartFacts {
  /** What the site called the state of the file, when it did. */
  readonly validator: string | undefined;
}

/** Reads what is known of a kept part; undefined where there is none, or where it is a part of something else than `file`. */
export function readPartFacts(location: string, file: RepoFile): PartFacts | undefined {
  try {
    const facts: unknown = JSON.parse(readFileSync(`${location}${PART_FACTS_SUFFIX}`, 'utf8'));
    if (typeof facts !== 'object' || facts === null || !('content' in facts) || facts.content !== contentOf(file))
      return undefined;
    return { validator: 'validator' in facts && typeof facts.validator === 'string' ? facts.validator : undefined };
  } catch {
    // Nothing there, or half written: what cannot be used is begun anew.
    return undefined;
  }
}

/** Notes what the part beside this file is a part of. Throws errors of the system. */
export function writePartFacts(location: string, file: RepoFile, { validator }: PartFacts): void {
  writeFileSync(`${location}${PART_FACTS_SUFFIX}`, `${JSON.stringify({ content: contentOf(file), validator })}\n`);
}

/** Removes a kept part; the note of it goes last, so that no part is ever without its own. */
export function discardPart(location: string): void {
  rmSync(`${location}${PART_SUFFIX}`, { force: true });
  discardPartFacts(location);
}

export function discardPartFacts(location: string): void {
  rmSync(`${location}${PART_FACTS_SUFFIX}`, { force: true });
}

function contentOf({ sizeBytes, digest }: RepoFile): string {
  return `${sizeBytes} ${digest === undefined ? '-' : shown(digest)}`;
}
