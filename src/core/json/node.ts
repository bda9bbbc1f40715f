import type { JsonNode } from './read.ts';

/** Builds the node of a value of lists, plain objects, texts, numbers, booleans and null, as if it were read from a
 *  text of one line. Fields that are undefined are omitted. The depth of the value must be bounded by its type. */
export function nodeOf(value: unknown, path = ''): JsonNode {
  if (Array.isArray(value)) {
    return { value: value.map((item, i) => nodeOf(item, `${path}[${i}]`)), line: 1, path };
  }
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value).filter(([, field]) => field !== undefined);
    const below = (key: string): string => (path === '' ? key : `${path}.${key}`);
    return { value: new Map(fields.map(([key, field]) => [key, nodeOf(field, below(key))])), line: 1, path };
  }
  return { value: value as string | number | boolean | null, line: 1, path };
}
