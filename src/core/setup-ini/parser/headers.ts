import { show, type DiagnosticLog } from '../diagnostics.ts';
import type { IndexHeader } from '../records.ts';
import type { HeaderKey } from '../lexicon.ts';
import { compareSetupVersions, timestampOf } from './numbers.ts';
import type { Token } from './tokens.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const HEADER_KEYS: ReadonlySet<string> = new Set<HeaderKey>([
  'release',
  'arch',
  'setup-timestamp',
  'setup-version',
  'setup-minimum-version',
]);

export function isHeaderKey(key: string): key is HeaderKey {
  return HEADER_KEYS.has(key);
}

/** Collects the headers; the last of each kind is used.
 *  Source: cygwin-setup IniDBBuilderPackage.cc `buildVersion`, `buildMinimumVersion`. */
export class HeaderReader {
  readonly header: Mutable<IndexHeader> = {};
  readonly #log: DiagnosticLog;
  readonly #ours: string;
  #minimumSeen = false;

  constructor(log: DiagnosticLog, ourSetupVersion: string) {
    this.#log = log;
    this.#ours = ourSetupVersion;
  }

  set(key: HeaderKey, { text, line, column }: Token): void {
    switch (key) {
      case 'release':
        this.header.release = text;
        return;
      case 'arch':
        this.header.arch = text;
        return;
      case 'setup-timestamp':
        this.header.setupTimestamp = timestampOf(text);
        return;
      case 'setup-version':
        this.header.setupVersion = text;
        // After a minimum version, setup does not report a newer version.
        if (this.#minimumSeen || !this.#isLater(text)) return;
        this.#log.warning(
          'newer-setup',
          `index is for setup ${show(text)}; this program follows ${this.#ours}`,
          line,
          column,
        );
        return;
      case 'setup-minimum-version':
        this.header.setupMinimumVersion = text;
        this.#minimumSeen = true;
        if (!this.#isLater(text)) return;
        this.#log.error(
          'setup-too-old',
          `index requires setup ${show(text)} or later; this program follows ${this.#ours}`,
          line,
          column,
        );
        return;
      default:
        key satisfies never;
    }
  }

  #isLater(version: string): boolean {
    return compareSetupVersions(this.#ours, version) < 0;
  }
}
