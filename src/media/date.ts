/** The years that both FAT (1980 to 2107) and ISO 9660 (1900 to 2155) can represent. */
const FIRST_SECONDS = Date.UTC(1980, 0, 1) / 1000;
const LAST_SECONDS = Date.UTC(2107, 0, 1) / 1000;

/** Returns the date of all files on a medium, in seconds since 1970: the date of the index, clamped to the years
 *  that media can represent. Without a date in the index, the first of these years. */
export function mediumDate(timestamp: number | null): number {
  return Math.min(Math.max(Math.trunc(timestamp ?? FIRST_SECONDS), FIRST_SECONDS), LAST_SECONDS);
}

/** Returns a date in the format of xorriso, UTC with hundredths of a second: `2023111422132000`. */
export function isoDate(dateSeconds: number): string {
  return `${new Date(dateSeconds * 1000).toISOString().replaceAll(/\D/g, '').slice(0, 14)}00`;
}
