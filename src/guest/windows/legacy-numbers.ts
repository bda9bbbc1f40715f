import { CygstrapError } from '../../errors.ts';

/** Numbers of time zones in Windows XP and 2003, by the names that later versions use. Source: Microsoft's reference
 *  of `TimeZone` in `Unattend.txt`. */
export const LEGACY_TIME_ZONES: Readonly<Record<string, number>> = {
  UTC: 85,
  'GMT Standard Time': 85,
  'Pacific Standard Time': 4,
  'Mountain Standard Time': 10,
  'Central Standard Time': 20,
  'Eastern Standard Time': 35,
  'W. Europe Standard Time': 110,
  'Romance Standard Time': 105,
  'Central Europe Standard Time': 95,
  'Russian Standard Time': 145,
  'India Standard Time': 190,
  'China Standard Time': 210,
  'Tokyo Standard Time': 235,
  'AUS Eastern Standard Time': 255,
};

/** Locale identifiers of Windows. Source: [MS-LCID]. */
const LANGUAGE_NUMBERS: Readonly<Record<string, string>> = {
  'de-DE': '00000407',
  'en-GB': '00000809',
  'en-US': '00000409',
  'es-ES': '00000C0A',
  'fr-FR': '0000040C',
  'it-IT': '00000410',
  'ja-JP': '00000411',
  'nl-NL': '00000413',
  'pl-PL': '00000415',
  'pt-BR': '00000416',
  'ru-RU': '00000419',
  'sv-SE': '0000041D',
  'zh-CN': '00000804',
};

/** Returns the number of a locale for Windows XP and 2003. Throws `usage` for an unknown locale. */
export function languageNumber(locale: string): string {
  const number = LANGUAGE_NUMBERS[locale];
  if (number !== undefined) return number;
  throw new CygstrapError('usage', `unknown locale for Windows XP and 2003: \`${locale}\``, {
    hint: `use one of ${Object.keys(LANGUAGE_NUMBERS).join(', ')}`,
  });
}
