import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { PROJECT } from '../support/transcript.ts';
import { checkOfflineServicing, planOobe, planSpecialize, planWindowsPe, SetupStops } from './answers.ts';
import type { Computer, SetupMedium } from './answers.ts';
import { parseAnswerFile } from './answers/tree.ts';

export const FIXTURES = join(PROJECT, 'fixtures/windows');

export const GOLDENS = readdirSync(FIXTURES).flatMap((name) => {
  const [, kind, firmware] = /^(windows-.*)-(bios|uefi)\.xml$/.exec(name) ?? [];
  return kind === undefined ? [] : [{ name, kind, firmware }];
}) as { name: string; kind: SetupMedium['kind']; firmware: Computer['firmware'] }[];

export function medium(kind: SetupMedium['kind'], more: Partial<SetupMedium> = {}): SetupMedium {
  const images = [1, 2].map((index) => ({ index, name: `Windows ${index}`, editionId: `Edition${index}` }));
  return { kind, arch: 'amd64', setupLanguage: 'en-US', images, productKey: 'none', ...more };
}

interface Case extends Partial<SetupMedium> {
  readonly golden?: string;
  readonly diskMB?: number;
}

/** Returns what Setup says of a golden after a change; undefined if it installs without a question. */
export function answerTo(change: (xml: string) => string | Uint8Array, options: Case = {}): string | undefined {
  const { golden = 'windows-2022-uefi', diskMB = 65536, ...more } = options;
  const original = readFileSync(join(FIXTURES, `${golden}.xml`), 'utf8');
  const changed = change(original);
  expect(changed).not.toBe(original);
  const { kind, firmware } = GOLDENS.find(({ name }) => name === `${golden}.xml`) ?? expect.fail();
  return say(typeof changed === 'string' ? Buffer.from(changed) : changed, medium(kind, more), { firmware, diskMB });
}

export function say(bytes: Uint8Array, setup: SetupMedium, computer: Computer): string | undefined {
  try {
    const file = parseAnswerFile(bytes);
    if (file === undefined) return 'ignored';
    planWindowsPe(file, setup, computer);
    checkOfflineServicing(file, setup);
    planSpecialize(file, setup);
    planOobe(file, setup);
    return undefined;
  } catch (error) {
    if (!(error instanceof SetupStops)) throw error;
    return `${error.shows}: ${error.message}`;
  }
}

/** Replaces the first match, which must be there. */
export function replace(xml: string, from: string | RegExp, to: string): string {
  const changed = xml.replace(from, to);
  expect(changed, `nothing matches ${from}`).not.toBe(xml);
  return changed;
}

export const swap =
  (from: string | RegExp, to: string) =>
  (xml: string): string =>
    replace(xml, from, to);
