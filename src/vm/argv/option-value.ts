/** One `key=value` of a QEMU option; undefined leaves it out, `true` and `false` are `on` and `off`. */
export type Property = readonly [key: string, value: string | number | boolean | undefined];

/** Joins a QEMU option value from its parts: `first,key=value,...`. Commas in values are doubled, as QEMU's parser wants. */
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
