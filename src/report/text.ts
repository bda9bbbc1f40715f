import { printableLine } from '../printable.ts';

const UNITS = ['KiB', 'MiB', 'GiB', 'TiB'] as const;

/** Formats a number of bytes: `532 B`, `1.4 KiB`, `23.0 MiB`. */
export function sizeText(sizeBytes: number): string {
  if (sizeBytes < 1024) return `${sizeBytes} B`;
  let value = sizeBytes / 1024;
  let unit = 0;
  // 1023.95 would be formatted as 1024.0
  while (value >= 1023.95 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value.toFixed(1)} ${UNITS[unit]}`;
}

/** Formats a count with its noun: `1 package`, `3 packages`, `2 dependencies`. */
export function countText(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** Aligns rows in columns two blanks apart; columns listed in `right` are right-aligned. No line ends in a blank.
 *  Rows can have fewer cells than others. A control character of a cell is escaped, so that a row stays one line.
 *  Returns an empty text without rows; otherwise every line ends in a newline. */
export function columns(cells: readonly (readonly string[])[], right: readonly number[] = []): string {
  const rows = cells.map((row) => row.map(printableLine));
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, cell.length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => (right.includes(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd();
  return rows.map((row) => `${line(row)}\n`).join('');
}
