/** The years that both FAT (1980 to 2107) and ISO 9660 (1900 to 2155) can write. */
const FIRST_SECONDS = Date.UTC(1980, 0, 1) / 1000;
const LAST_SECONDS = Date.UTC(2107, 0, 1) / 1000;

/** Gives the date of everything on a medium, in seconds since 1970: that of the index, moved to a year that media can write; without
 *  one, the first of these. */
export function mediumDate(timestamp: number | null): number {
  return Math.min(Math.max(Math.trunc(timestamp ?? FIRST_SECONDS), FIRST_SECONDS), LAST_SECONDS);
}

/** A date as xorriso reads it, in UTC, to a hundredth of a second: `2023111422132000`. */
export function isoDate(dateSeconds: number): string {
  return `${new Date(dateSeconds * 1000).toISOString().replaceAll(/\D/g, '').slice(0, 14)}00`;
}
