import { DEFAULTS } from '../../api/defaults.ts';
import type { VmContext } from '../../api/vm-context.ts';
import type { VmInstallRequest } from '../../api/vm-install.ts';
import { documentDefault, grouped, needing, parsed, value } from './declare.ts';
import type { Arguments, Option, Parse } from './declare.ts';
import { UsageError } from '../terminal/failure.ts';

/** Parses a SHA-256. */
export const sha256Hex: Parse<string> = (text, option) => {
  if (!/^[0-9a-f]{64}$/i.test(text)) throw new UsageError(`--${option} must have 64 hexadecimal digits: \`${text}\``);
  return text;
};

/** Options of an installation of Windows. */
export const WINDOWS_OPTIONS = grouped('Windows', {
  iso: value('FILE', 'Install Windows from this ISO image'),
  'iso-sha256': ofIso(parsed('HEX', 'Refuse an image with another SHA-256', sha256Hex)),
  edition: ofIso(
    documentDefault(
      value('N|NAME', 'Install this edition of the image'),
      'the only one; of a server Standard with desktop',
    ),
  ),
  'product-key': ofIso(
    documentDefault(
      value('FILE', 'Read your product key from this file'),
      `the variable ${DEFAULTS.productKeyVariable}, if it is set`,
    ),
  ),
  locale: ofIso(documentDefault(value('NAME', 'Set formats and keyboard, such as de-DE'), 'the language of the image')),
  timezone: ofIso(documentDefault(value('NAME', 'Set the time zone, by its name in Windows'), 'UTC')),
  'computer-name': ofIso(documentDefault(value('NAME', 'Set the name of the computer'), 'CYGWIN-BUILD')),
  customize: ofIso(value('DIR', 'Add your answers, commands and drivers from this directory')),
});

function ofIso<T>(option: Option<T>): Option<T> {
  return needing(option, 'iso');
}

/** Returns what to install if `--iso` is given. Throws what `prepareWindows` throws. */
export async function windowsSetupOf(
  { env, wantedGuest, report, signal }: VmContext,
  args: Arguments<typeof WINDOWS_OPTIONS>,
): Promise<VmInstallRequest['windows']> {
  const { iso, isoSha256, edition, locale, timezone, computerName, customize, productKey } = args;
  if (iso === undefined) return undefined;
  const { prepareWindows, readProductKey } = await import('../../api/windows-setup.ts');
  const key = productKey === undefined ? env[DEFAULTS.productKeyVariable] : await readProductKey(productKey);
  return prepareWindows(
    {
      iso,
      isoSha256,
      guest: wantedGuest,
      edition,
      productKey: key === '' ? undefined : key,
      locale,
      timeZone: timezone,
      computerName,
      customize,
    },
    { env, report, signal },
  );
}
