import { CygstrapError } from '../../errors.ts';
import type { ErrorCode } from '../../errors.ts';
import { JsonFault, readJson } from './read.ts';
import type { JsonNode } from './read.ts';

/** Checks a JSON value and returns it as a `T`, or throws {@link JsonFault}. */
export type Shape<T> = (node: JsonNode) => T;

/** An optional field. */
export interface Optional<T> {
  readonly optional: Shape<T>;
}

export type Fields = Readonly<Record<string, Shape<unknown> | Optional<unknown>>>;

/** Result type of {@link objectOf}. */
export type ObjectOf<F extends Fields> = {
  readonly [K in keyof F as F[K] extends Shape<unknown> ? K : never]: F[K] extends Shape<infer T> ? T : never;
} & { readonly [K in keyof F as F[K] extends Shape<unknown> ? never : K]?: F[K] extends Optional<infer T> ? T : never };

/** Makes a field optional. */
export function optional<T>(shape: Shape<T>): Optional<T> {
  return { optional: shape };
}

/** Text that matches a pattern as a whole; `what` describes it in "must be ...". */
export function textOf(pattern: RegExp, what: string): Shape<string> {
  return (node) => {
    if (typeof node.value === 'string' && pattern.test(node.value)) return node.value;
    throw new JsonFault(`must be ${what}, not ${shownOf(node)}`, node);
  };
}

/** One of a fixed set of words. */
export function oneOf<const T extends string>(words: readonly T[]): Shape<T> {
  return (node) => {
    const word = words.find((each) => each === node.value);
    if (word === undefined)
      throw new JsonFault(`must be ${words.map((each) => `"${each}"`).join(' or ')}, not ${shownOf(node)}`, node);
    return word;
  };
}

/** The schema number. A file with another number is not read further: its fields can mean anything. */
export function only<const N extends number>(schema: N): Shape<N> {
  return (node) => {
    if (node.value === schema) return schema;
    throw new JsonFault(`is ${shownOf(node)}, but this version reads only ${schema}`, node);
  };
}

/** True or false. */
export const flag: Shape<boolean> = (node) => {
  if (typeof node.value !== 'boolean') throw new JsonFault(`must be true or false, not ${shownOf(node)}`, node);
  return node.value;
};

/** A safe integer from 0. */
export const count: Shape<number> = (node) => {
  if (typeof node.value !== 'number' || !Number.isSafeInteger(node.value) || node.value < 0) {
    throw new JsonFault(`must be a whole number from 0 on, not ${shownOf(node)}`, node);
  }
  return node.value;
};

/** A value of the shape, or null. */
export function orNull<T>(shape: Shape<T>): Shape<T | null> {
  return (node) => (node.value === null ? null : shape(node));
}

/** Any text. */
export const text: Shape<string> = (node) => {
  if (typeof node.value !== 'string') throw new JsonFault(`must be text, not ${shownOf(node)}`, node);
  return node.value;
};

/** Any number. */
export const number: Shape<number> = (node) => {
  if (typeof node.value !== 'number') throw new JsonFault(`must be a number, not ${shownOf(node)}`, node);
  return node.value;
};

/** An object with any keys and values of one shape. */
export function recordOf<T>(shape: Shape<T>): Shape<Readonly<Record<string, T>>> {
  return (node) => Object.fromEntries([...fieldsOf(node)].map(([key, value]) => [key, shape(value)]));
}

/** A list of any length. */
export function listOf<T>(item: Shape<T>): Shape<readonly T[]> {
  return (node) => {
    if (!Array.isArray(node.value)) throw new JsonFault(`must be a list, not ${shownOf(node)}`, node);
    return (node.value as readonly JsonNode[]).map(item);
  };
}

/** A list without duplicate keys. */
export function uniqueListOf<T>(item: Shape<T>, keyOf: (value: T) => string): Shape<readonly T[]> {
  const list = listOf((node) => ({ value: item(node), node }));
  return (node) => {
    const seen = new Set<string>();
    return list(node).map(({ value, node: at }) => {
      const key = keyOf(value);
      if (seen.has(key)) throw new JsonFault(`repeats \`${key}\``, at);
      seen.add(key);
      return value;
    });
  };
}

/** An object with exactly these fields. Missing optional fields are absent from the result. A field `schema` is
 *  checked first. */
export function objectOf<F extends Fields>(fields: F): Shape<ObjectOf<F>> {
  const names = Object.keys(fields);
  return (node) => {
    const found = fieldsOf(node);
    const [schema, at] = [fields['schema'], found.get('schema')];
    if (typeof schema === 'function' && at !== undefined) schema(at);
    for (const [name, at] of found) {
      if (!names.includes(name)) throw new JsonFault(`is an unknown field; valid fields: ${names.join(', ')}`, at);
    }
    const entries: [string, unknown][] = [];
    for (const [name, field] of Object.entries(fields)) {
      const at = found.get(name);
      if (at !== undefined) entries.push([name, (typeof field === 'function' ? field : field.optional)(at)]);
      else if (typeof field === 'function') throw new JsonFault(`has no field \`${name}\``, node);
    }
    return Object.fromEntries(entries) as ObjectOf<F>;
  };
}

function fieldsOf(node: JsonNode): ReadonlyMap<string, JsonNode> {
  if (node.value instanceof Map) return node.value as ReadonlyMap<string, JsonNode>;
  throw new JsonFault(`must be an object, not ${shownOf(node)}`, node);
}

/** Returns the name of a value's type for messages. */
export function shownOf({ value }: JsonNode): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}

/** The source of a text, for messages. */
export interface TextSource {
  readonly file: string;
  readonly code: ErrorCode;
  readonly hint: string;
}

/** Parses a JSON text of a given shape. Throws the code of `source` for the first error, as `FILE:LINE: PATH
 *  MESSAGE`; `details` are `{ file, line, path }`. */
export function parseShaped<T>(text: string, shape: Shape<T>, source: TextSource): T {
  try {
    return shape(readJson(text));
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    const { line, path } = error;
    const where = path === '' ? '' : `\`${path}\` `;
    const hint = /^(?:<{7}|>{7}) /m.test(text)
      ? 'a merge left its marks in the file; decide between the two sides first'
      : source.hint;
    throw new CygstrapError(source.code, `${source.file}:${line}: ${where}${error.message}`, {
      hint,
      details: { file: source.file, line, path },
    });
  }
}
