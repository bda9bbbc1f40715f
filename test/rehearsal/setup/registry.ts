import type { ProgramResult } from './cmd-world.ts';

interface Value {
  readonly name: string;
  readonly type: string;
  readonly data: string;
}

const ROOTS: Readonly<Record<string, string>> = {
  hklm: 'HKEY_LOCAL_MACHINE',
  hkcu: 'HKEY_CURRENT_USER',
  hku: 'HKEY_USERS',
};

/** A registry, with the program `reg`. */
export class Registry {
  /** By key in lower case and name in lower case. */
  readonly #keys = new Map<string, { readonly key: string; readonly values: Map<string, Value> }>();

  set(key: string, name: string, type: string, data: string): void {
    const full = fullKey(key);
    const { values } = this.#keys.get(full.toLowerCase()) ?? { values: new Map<string, Value>() };
    this.#keys.set(full.toLowerCase(), { key: full, values });
    values.set(name.toLowerCase(), { name, type, data });
  }

  /** Returns the data of a value as `reg query` shows it. */
  get(key: string, name: string): string | undefined {
    return this.#keys.get(fullKey(key).toLowerCase())?.values.get(name.toLowerCase())?.data;
  }

  /** Runs `reg` with arguments. */
  run(args: readonly string[]): ProgramResult {
    const [verb = '', quoted = '', ...rest] = args.map((arg) => arg.replace(/^"(.*)"$/, '$1'));
    const option = (flag: string): string | undefined => {
      const at = rest.findIndex((arg) => arg.toLowerCase() === flag);
      return at < 0 ? undefined : rest[at + 1];
    };
    const name = option('/v');
    switch (verb.toLowerCase()) {
      case 'add': {
        const [type = 'REG_SZ', data = ''] = [option('/t'), option('/d')];
        if (name !== undefined) this.set(quoted, name, type, type === 'REG_DWORD' ? hexadecimal(data) : data);
        return { exitCode: 0, output: 'The operation completed successfully.\r\n' };
      }
      case 'delete': {
        const { values } = this.#keys.get(fullKey(quoted).toLowerCase()) ?? {};
        return { exitCode: values?.delete((name ?? '').toLowerCase()) === true ? 0 : 1 };
      }
      case 'query':
        return name === undefined ? this.#list(quoted) : this.#query(quoted, name);
      default:
        return { exitCode: 1 };
    }
  }

  #query(key: string, name: string): ProgramResult {
    const found = this.#keys.get(fullKey(key).toLowerCase());
    const value = found?.values.get(name.toLowerCase());
    if (found === undefined || value === undefined) return { exitCode: 1 };
    return { exitCode: 0, output: `\r\n${found.key}\r\n    ${value.name}    ${value.type}    ${value.data}\r\n\r\n` };
  }

  #list(key: string): ProgramResult {
    const full = fullKey(key);
    const below = [...this.#keys.values()]
      .map((each) => each.key)
      .filter((each) => each.toLowerCase().startsWith(`${full.toLowerCase()}\\`))
      .map((each) => `${full}\\${each.slice(full.length + 1).replace(/\\.*/, '')}`);
    if (below.length === 0) return { exitCode: 1 };
    return { exitCode: 0, output: `\r\n${[...new Set(below)].join('\r\n')}\r\n` };
  }

  /** A text from which {@link Registry.parse} makes an equal one. */
  print(): string {
    const all = [...this.#keys.values()].flatMap(({ key, values }) =>
      [...values.values()].map((v) => [key, v] as const),
    );
    return JSON.stringify(all.map(([key, { name, type, data }]) => [key, name, type, data]));
  }

  static parse(text: string): Registry {
    const registry = new Registry();
    for (const each of JSON.parse(text) as [string, string, string, string][]) registry.set(...each);
    return registry;
  }
}

function fullKey(key: string): string {
  return key.replace(/^\w+/, (root) => ROOTS[root.toLowerCase()] ?? root);
}

function hexadecimal(data: string): string {
  return `0x${Number(data).toString(16)}`;
}
