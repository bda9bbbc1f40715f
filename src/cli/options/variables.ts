import { UsageError } from '../terminal/failure.ts';
import type { Option, Options } from './declare.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Options whose variable has a meaning of its own, see {@link OTHER_VARIABLES}. `CYGSTRAP_SITE` gives way to an index
 *  that the command line names; `CYGSTRAP_PRODUCT_KEY` is the key itself, not a file. */
const OWN_MEANING: ReadonlySet<string> = new Set(['site', 'product-key']);

/** Variables that are not those of an option, and what they set. */
export const OTHER_VARIABLES: Readonly<Record<string, string>> = {
  CYGSTRAP_SITE: 'the mirrors, unless the command line names an index or a mirror',
  CYGSTRAP_PRODUCT_KEY: 'the product key of Windows',
  CYGSTRAP_PASSPHRASE: 'the passphrase of --sign-key',
  CYGSTRAP_RUN: 'nothing; vm run sets it for --before and --after',
  HTTPS_PROXY: 'the proxy for https',
  HTTP_PROXY: 'the proxy for http',
  ALL_PROXY: 'the proxy without a more special one',
  https_proxy: 'the proxy for https',
  http_proxy: 'the proxy for http',
  all_proxy: 'the proxy without a more special one',
  NO_PROXY: 'hosts without a proxy',
  no_proxy: 'hosts without a proxy',
  NODE_EXTRA_CA_CERTS: 'further certificate authorities',
  NO_COLOR: 'no colors',
  FORCE_COLOR: 'colors everywhere',
};

/** Whether the value of a variable can be a secret: keys, passphrases, and passwords in the addresses of proxies. */
export function isSecret(variable: string): boolean {
  return /^CYGSTRAP_(?:PRODUCT_KEY|PASSPHRASE)$|^\w+_proxy$/i.test(variable) && !/^no_proxy$/i.test(variable);
}

/** Returns the variable of an option: `CYGSTRAP_` and its name in capitals, with `_` for `-`. */
export function variableOf(option: string): string {
  return `CYGSTRAP_${option.toUpperCase().replaceAll('-', '_')}`;
}

/** The options that the environment sets. */
export interface FromEnvironment {
  /** Texts of each option, by its name. */
  readonly options: ReadonlyMap<string, readonly string[]>;
  /** The variable of each. */
  readonly variables: ReadonlyMap<string, string>;
}

/** Reads the variables of options. A flag is `1` or `0`, the items of a list are separated by white space, and an empty
 *  variable sets nothing. Throws UsageError for another value of a flag. */
export function optionsInEnvironment(declared: Options, environment: Environment): FromEnvironment {
  const options = new Map<string, readonly string[]>();
  const variables = new Map<string, string>();
  for (const [name, option] of Object.entries(declared)) {
    const variable = variableOf(name);
    const text = environment[variable] ?? '';
    const texts = OWN_MEANING.has(name) || text === '' ? [] : textsOf(option, text, variable);
    if (texts.length === 0) continue;
    options.set(name, texts);
    variables.set(name, variable);
  }
  return { options, variables };
}

function textsOf({ kind }: Option<unknown>, text: string, variable: string): readonly string[] {
  if (kind === 'value') return [text];
  if (kind === 'list') return text.split(/\s+/).filter((item) => item !== '');
  if (text !== '1' && text !== '0') throw new UsageError(`the variable ${variable} must be 1 or 0: \`${text}\``);
  return text === '1' ? [''] : [];
}
