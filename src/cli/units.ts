import { UsageError } from './failure.ts';

const MIB_PER_UNIT = { M: 1, G: 1024, T: 1024 * 1024 } as const;
const MS_PER_UNIT = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Makes a `coerce` for a size such as `512M` or `2G`, in MiB. */
export function sizeMiB(name: string): (value: string | readonly string[]) => number {
  return (value) => {
    const [, number, unit] = /^(\d{1,7})([MGT])$/.exec(String(value)) ?? [];
    if (number === undefined || Number(number) === 0)
      throw new UsageError(`--${name} is no size: \`${String(value)}\``, 'write it as in `512M` or `2G`');
    return Number(number) * MIB_PER_UNIT[unit as keyof typeof MIB_PER_UNIT];
  };
}

/** Makes a `coerce` for a time such as `90s`, `10m` or `30d`, in milliseconds. */
export function durationMs(name: string): (value: string | readonly string[]) => number {
  return (value) => {
    const [, number, unit] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(String(value)) ?? [];
    if (number === undefined || Number(number) === 0)
      throw new UsageError(
        `--${name} is no length of time: \`${String(value)}\``,
        'write it as in `90s`, `10m` or `2h`',
      );
    return Number(number) * MS_PER_UNIT[unit as keyof typeof MS_PER_UNIT];
  };
}

/** Makes a `coerce` for a whole number from 1 on. */
export function positive(name: string): (value: string | readonly string[]) => number {
  return (value) => {
    if (!/^[1-9]\d{0,5}$/.test(String(value)))
      throw new UsageError(`--${name} is no whole number from 1 on: \`${String(value)}\``);
    return Number(value);
  };
}
