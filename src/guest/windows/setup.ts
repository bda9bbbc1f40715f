import { CygstrapError } from '../../errors.ts';
import type { WindowsKind } from '../../core/windows/kinds.ts';
import type { Edition, WindowsMedium } from '../../media/inspect/windows.ts';
import type { FirmwareKind } from '../../vm/base/spec.ts';
import type { Customization } from './customize.ts';
import { HARDWARE } from './machine.ts';
import { WINDOWS_USER, isLegacyKind } from './options.ts';
import { LEGACY_TIME_ZONES, languageNumber } from './legacy-numbers.ts';

/** What a user chose for an installation of Windows, after it was checked against the medium. */
export interface WindowsSetup {
  readonly kind: WindowsKind;
  readonly medium: WindowsMedium;
  /** SHA-256 of the medium, in hexadecimal. */
  readonly isoSha256: string;
  readonly edition: Edition;
  readonly arch: 'x86' | 'amd64';
  /** Formats and keyboard, such as `de-DE`. */
  readonly locale: string;
  /** Name of a time zone of Windows, such as `W. Europe Standard Time`. */
  readonly timeZone: string;
  readonly computerName: string;
  /** The product key of the user. */
  readonly productKey: string | undefined;
  /** Files of the user for the answer medium.
   *  @internal */
  readonly customization: Customization | undefined;
}

/** Values that the user can leave out. */
export type WindowsNames = Pick<WindowsSetup, 'locale' | 'timeZone' | 'computerName'>;

export const DEFAULT_TIME_ZONE = 'UTC';
export const DEFAULT_COMPUTER_NAME = 'CYGWIN-BUILD';

/** Checks names for an installation. Throws `usage` for a name that Setup of this kind refuses. */
export function checkNames(kind: WindowsKind, { locale, timeZone, computerName }: WindowsNames): void {
  if (!/^[A-Za-z0-9-]{1,15}$/.test(computerName) || /^\d+$/.test(computerName))
    throw invalid('computer name', computerName, 'use at most 15 letters, digits and hyphens, not only digits');
  if (computerName.toLowerCase() === WINDOWS_USER)
    throw invalid('computer name', computerName, 'use another name: the user of the guest has this one');
  if (!/^[a-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,2}$/.test(locale))
    throw invalid('locale', locale, 'use a name of Windows such as en-US');
  if (!/^[\w .+()-]{1,64}$/.test(timeZone))
    throw invalid('time zone', timeZone, 'use a name of Windows such as `W. Europe Standard Time`');
  if (!isLegacyKind(kind)) return;
  languageNumber(locale);
  if (LEGACY_TIME_ZONES[timeZone] === undefined) {
    throw invalid(`time zone for \`${kind}\``, timeZone, `use one of ${Object.keys(LEGACY_TIME_ZONES).join(', ')}`);
  }
}

/** Returns the firmware that Setup of a medium can start from, that of its kind first. UEFI of QEMU for x86-64 starts
 *  no 32-bit Windows. */
export function firmwaresOf({ kind, arch, medium }: Pick<WindowsSetup, 'kind' | 'arch' | 'medium'>): FirmwareKind[] {
  const { bios, uefi } = medium.boot;
  return HARDWARE[kind].firmwares.filter((firmware) => (firmware === 'bios' ? bios : uefi && arch === 'amd64'));
}

/** Throws `usage` for a machine that Setup of a kind refuses, or on whose disk Windows finds no room. Setup would tell
 *  it only on its screen, or after half an hour. */
export function checkHardware(
  kind: WindowsKind,
  { cpus, diskMiB }: Readonly<Record<'cpus' | 'diskMiB', number>>,
): void {
  const { leastCpus, usualDiskMiB } = HARDWARE[kind];
  if (cpus < leastCpus) {
    throw new CygstrapError('usage', `too few processors for \`${kind}\`: ${cpus}`, {
      hint: `use \`--cpus ${leastCpus}\` or more`,
    });
  }
  if (diskMiB < usualDiskMiB) {
    throw new CygstrapError('usage', `too small a disk for \`${kind}\`: ${diskMiB} MiB`, {
      hint: `use \`--disk ${usualDiskMiB / 1024}G\` or more`,
    });
  }
}

/** A product key: five groups of five letters and digits. */
const PRODUCT_KEY = /^[A-Z0-9]{5}(?:-[A-Z0-9]{5}){4}$/;

/** Returns whether a text is a product key. */
export function isProductKey(text: string): boolean {
  return PRODUCT_KEY.test(text.trim().toUpperCase());
}

/** Returns a product key in capital letters. Throws `usage` for any other text; the message does not contain it. */
export function parseProductKey(text: string): string {
  if (isProductKey(text)) return text.trim().toUpperCase();
  throw new CygstrapError('usage', 'the product key has a wrong form', {
    hint: 'write it as five groups of five letters and digits, joined by hyphens',
  });
}

function invalid(what: string, value: string, hint: string): CygstrapError {
  return new CygstrapError('usage', `invalid ${what}: \`${value}\``, { hint });
}
