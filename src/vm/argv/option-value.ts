/** One `key=value` of a QEMU option; undefined omits it, booleans become `on` and `off`. */
export type Property = readonly [key: string, value: string | number | boolean | undefined];

/** Joins a QEMU option value: `first,key=value,...`. Doubles commas in values, as QEMU's parser requires. */
export function optionValue(first: string, properties: readonly Property[]): string {
  const rest = properties.flatMap(([key, value]) => {
    if (value === undefined) return [];
    return [`${key}=${typeof value === 'boolean' ? (value ? 'on' : 'off') : escapeCommas(String(value))}`];
  });
  return [...(first === '' ? [] : [escapeCommas(first)]), ...rest].join(',');
}

function escapeCommas(text: string): string {
  return text.replaceAll(',', ',,');
}
