import type { Parse } from './declare.ts';
import { UsageError } from '../terminal/failure.ts';

const MIB_PER_UNIT = { M: 1, G: 1024, T: 1024 * 1024 } as const;
const MS_PER_UNIT = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Parses a size such as `512M` or `2G`; returns MiB. */
export const sizeMiB: Parse<number> = (text, option) => {
  const [, number, unit] = /^(\d{1,7})([MGT])$/.exec(text) ?? [];
  if (number === undefined || Number(number) === 0)
    throw new UsageError(`--${option} is not a size: \`${text}\``, 'write it as in `512M` or `2G`');
  return Number(number) * MIB_PER_UNIT[unit as keyof typeof MIB_PER_UNIT];
};

/** Parses a duration such as `90s`, `10m` or `30d`; returns milliseconds. */
export const durationMs: Parse<number> = (text, option) => {
  const [, number, unit] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? [];
  if (number === undefined || Number(number) === 0)
    throw new UsageError(`--${option} is not a duration: \`${text}\``, 'write it as in `90s`, `10m` or `2h`');
  return Number(number) * MS_PER_UNIT[unit as keyof typeof MS_PER_UNIT];
};

/** Makes a parser for whole numbers within bounds, both included. */
export function wholeNumber(least: number, most: number): Parse<number> {
  return (text, option) => {
    if (!/^\d{1,9}$/.test(text) || Number(text) < least || Number(text) > most)
      throw new UsageError(`--${option} must be a number from ${least} to ${most}: \`${text}\``);
    return Number(text);
  };
}

/** A drive letter in upper case, and the share that it is connected to. */
export interface Drive {
  readonly letter: string;
  readonly share: 'store' | 'xchg';
}

/** Parses a drive letter and a share, such as `Z:=xchg`. Windows uses A to C for floppies and its own disk. */
export const drive: Parse<Drive> = (text, option) => {
  const [, letter, share] = /^([D-Z]):=(store|xchg)$/i.exec(text) ?? [];
  if (letter === undefined || share === undefined)
    throw new UsageError(
      `--${option} is not a drive letter from D to Z with a share: \`${text}\``,
      'write it as in `Z:=xchg` or `S:=store`',
    );
  return { letter: letter.toUpperCase(), share: share.toLowerCase() as Drive['share'] };
};
