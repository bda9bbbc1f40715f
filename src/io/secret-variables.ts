/** Variable of the environment with the product key of Windows. */
export const PRODUCT_KEY_VARIABLE = 'CYGSTRAP_PRODUCT_KEY';

/** Returns an environment without the variables that hold secrets of cygstrap: no other program needs them. */
export function withoutSecrets<T>(environment: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => name !== PRODUCT_KEY_VARIABLE));
}
