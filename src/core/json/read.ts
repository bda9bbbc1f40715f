/** A value of a JSON text with its position. */
export interface JsonNode {
  readonly value: JsonValue;
  /** First line, from 1. */
  readonly line: number;
  /** Path from the root, as in `packages[3].size`; empty for the root. */
  readonly path: string;
}

export type JsonValue = string | number | boolean | null | readonly JsonNode[] | ReadonlyMap<string, JsonNode>;

/** An error in a JSON text, with its position. Callers add the file name. */
export class JsonFault extends Error {
  readonly line: number;
  /** Empty for a syntax error and for an error in the root. */
  readonly path: string;

  constructor(message: string, { line, path }: Pick<JsonNode, 'line' | 'path'>) {
    super(message);
    this.name = 'JsonFault';
    this.line = line;
    this.path = path;
  }
}

/** Maximum nesting; our files need four levels. */
const MAX_DEPTH = 32;

/** Parses a JSON text (RFC 8259) into values with line numbers. Unlike `JSON.parse` it rejects duplicate keys, which
 *  a careless merge can leave. Accepts a byte order mark and CR LF, as Windows editors and checkouts write them.
 *  Throws {@link JsonFault} for the first error. */
export function readJson(text: string): JsonNode {
  return new Reader(text).document();
}

const BLANKS = /[ \t\r]*/y;
const STRING = /"([^"\\]*(?:\\.[^"\\]*)*)"/y;
const NEEDS_CARE = /[\\\p{Cc}]/u;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /(?:true|false|null)\b/y;

class Reader {
  readonly #text: string;
  #at: number;
  #line = 1;

  constructor(text: string) {
    this.#text = text;
    this.#at = text.startsWith('\ufeff') ? 1 : 0;
  }

  document(): JsonNode {
    const node = this.#value('', 0);
    this.#skip();
    if (this.#at < this.#text.length) throw this.#unexpected('the end of the file');
    return node;
  }

  #value(path: string, depth: number): JsonNode {
    this.#skip();
    const line = this.#line;
    if (depth > MAX_DEPTH) throw new JsonFault(`nested deeper than ${MAX_DEPTH} levels`, { line, path: '' });
    const next = this.#text[this.#at];
    if (next === '{') return { value: this.#object(path, depth), line, path };
    if (next === '[') return { value: this.#list(path, depth), line, path };
    if (next === '"') return { value: this.#string(), line, path };
    const number = this.#match(NUMBER);
    if (number !== undefined) return { value: Number(number), line, path };
    const word = this.#match(WORD);
    if (word !== undefined) return { value: word === 'null' ? null : word === 'true', line, path };
    throw this.#unexpected('a value');
  }

  #object(path: string, depth: number): ReadonlyMap<string, JsonNode> {
    const fields = new Map<string, JsonNode>();
    this.#at++;
    if (this.#take('}')) return fields;
    do {
      this.#skip();
      const line = this.#line;
      if (this.#text[this.#at] !== '"') throw this.#unexpected('a key in quotes');
      const key = this.#string();
      const below = path === '' ? key : `${path}.${key}`;
      if (fields.has(key)) throw new JsonFault('is a duplicate key', { line, path: below });
      if (!this.#take(':')) throw this.#unexpected('`:`');
      fields.set(key, this.#value(below, depth + 1));
    } while (this.#take(','));
    if (!this.#take('}')) throw this.#unexpected('`,` or `}`');
    return fields;
  }

  #list(path: string, depth: number): readonly JsonNode[] {
    const items: JsonNode[] = [];
    this.#at++;
    if (this.#take(']')) return items;
    do items.push(this.#value(`${path}[${items.length}]`, depth + 1));
    while (this.#take(','));
    if (!this.#take(']')) throw this.#unexpected('`,` or `]`');
    return items;
  }

  #string(): string {
    STRING.lastIndex = this.#at;
    const match = STRING.exec(this.#text);
    const raw = match?.[1];
    if (raw === undefined) throw new JsonFault('a string without its closing quote', { line: this.#line, path: '' });
    this.#at = STRING.lastIndex;
    if (!NEEDS_CARE.test(raw)) return raw;
    try {
      return JSON.parse(`"${raw}"`) as string;
    } catch {
      throw new JsonFault('a string without its closing quote, or with an unknown escape', {
        line: this.#line,
        path: '',
      });
    }
  }

  #take(mark: string): boolean {
    this.#skip();
    if (this.#text[this.#at] !== mark) return false;
    this.#at++;
    return true;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #skip(): void {
    for (;;) {
      BLANKS.lastIndex = this.#at;
      BLANKS.test(this.#text);
      this.#at = BLANKS.lastIndex;
      if (this.#text[this.#at] !== '\n') return;
      this.#at++;
      this.#line++;
    }
  }

  #unexpected(expected: string): JsonFault {
    const rest = this.#text.slice(this.#at, this.#at + 20).split('\n', 1)[0] ?? '';
    const found = this.#at >= this.#text.length ? 'the file ends' : `found ${JSON.stringify(rest.trimEnd())}`;
    return new JsonFault(`expected ${expected}, ${found}`, { line: this.#line, path: '' });
  }
}
