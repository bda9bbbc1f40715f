import { CygstrapError } from '../errors.ts';

/** Tests the path of a file in an installed Cygwin, such as `/usr/bin/ssh.exe`. */
export type PathTest = (path: string) => boolean;

/** Returns a test for a path, the end of one, a name or a glob. A text with a leading `/` is compared with the whole
 *  path, another one with the last names of the path. Without glob characters it also means the program with `.exe`. In
 *  a glob, `*` and `?` stand for characters of one name, `**` also for `/`, and `[a-z]`, `[!a-z]` and `[^a-z]` for one
 *  character but `/`. `/bin` and `/lib` are `/usr/bin` and `/usr/lib`. Case-sensitive. The time of a test is linear.
 *  Throws `usage` for an empty text and an invalid glob. Source: Cygwin User's Guide, "The Cygwin Mount Table". */
export async function pathTest(text: string): Promise<PathTest> {
  const isWhole = text.startsWith('/');
  const names = text.replace(/^\/+/, '');
  if (names === '')
    throw new CygstrapError('usage', `not the path of a file: \`${text}\``, {
      hint: 'name a path like `/usr/bin/ssh`, a file like `ssh`, or a pattern like `libssl*.dll`',
    });
  const wanted = isWhole ? mounted(`/${names}`) : `/${names}`;
  if (!isGlob(wanted)) {
    const isMatch = (path: string, end: string): boolean => (isWhole ? path === end : path.endsWith(end));
    return (path) => isMatch(mounted(path), wanted) || isMatch(mounted(path), `${wanted}.exe`);
  }
  const { RE2JS, RE2JSException } = await import('re2js');
  try {
    const expression = RE2JS.compile(`${isWhole ? '^' : ''}(?:${expressionOf(wanted)})$`, RE2JS.DOTALL);
    return (path) => expression.test(mounted(path));
  } catch (cause) {
    if (!(cause instanceof RE2JSException)) throw cause;
    throw new CygstrapError('usage', `not a pattern: \`${text}\``, {
      hint: 'in `[a-z]` the lower character is first',
      cause,
    });
  }
}

/** Returns the path at which Cygwin shows the file of a path. */
function mounted(path: string): string {
  return path.replace(/^\/(?=(?:bin|lib)\/)/, '/usr/');
}

/** Parts of a glob. A class holds no `/`, and at least one character. */
const GLOB_PART = /(?<=^|\/)\*\*\/|\*+|\?|\[(?:[!^][^/]|[^/!^])[^\]/]*\]|[^]/gu;

function expressionOf(glob: string): string {
  return glob.replaceAll(GLOB_PART, (part) => {
    if (part === '**/') return '(?:.*/)?';
    if (part.startsWith('**')) return '.*';
    if (part === '*') return '[^/]*';
    if (part === '?') return '[^/]';
    if (isClass(part)) return classOf(part);
    return literal(part);
  });
}

/** Returns a basic regular expression of grep that finds, in the list of a site, every line with a file that passes
 *  {@link pathTest}, and perhaps further lines. A list can have `bin/` and `lib/` without `usr/`. */
export function grepExpression(text: string): string {
  const path = `/${text.replace(/^\/+/, '')}`;
  const names = (text.startsWith('/') ? mounted(path) : path).slice(1).replace(/^(?:\*\*\/)+/, '');
  const [head = '', next] = names.split('/', 2);
  const end = isGlob(names) ? '' : String.raw`\(\.exe\)\?`;
  return `[ /]${bodyOf(names, head, next)}${end}${String.raw`\( ->.*\)\?$`}`;
}

/** Converts a path or glob; `head` and `next` are its first names. What can match `usr/` is optional. */
function bodyOf(names: string, head: string, next: string | undefined): string {
  if (next === undefined) return basicOf(names.slice(Math.max(0, names.lastIndexOf('**'))));
  const isUsr = (head === 'usr' || isGlob(head)) && (head.includes('**') || /^(?:bin|lib)$|[*?[]/.test(next));
  const rest = basicOf(names.slice(head.length + 1));
  return isUsr ? String.raw`\(${basicOf(head)}/\)\?${rest}` : `${basicOf(head)}/${rest}`;
}

function basicOf(glob: string): string {
  return glob.replaceAll(GLOB_PART, (part) => {
    if (part === '**/') return String.raw`\(.*/\)\?`;
    if (part.startsWith('**')) return '.*';
    if (part === '*' || part === '?' || isClass(part)) return '[^/]*';
    return part.replaceAll(/[\\.*^$[]/g, String.raw`\$&`);
  });
}

/** Whether a text has characters with a meaning in a glob. */
export function isGlob(text: string): boolean {
  return /[*?[]/.test(text);
}

function isClass(part: string): boolean {
  return part.length > 2 && part.startsWith('[');
}

/** Converts `[a-z]`, `[!a-z]` or `[^a-z]`, which never match `/`. Throws `usage` for a class with a name. */
function classOf(part: string): string {
  if (/\[([:.=]).*\1/su.test(part.slice(1)))
    throw new CygstrapError('usage', `not a pattern: classes with a name are not supported: \`${part}]\``, {
      hint: 'write the characters, such as `[a-zA-Z]`',
    });
  const isNegative = /^\[[!^]/.test(part);
  const inner = part
    .slice(isNegative ? 2 : 1, -1)
    .replaceAll(/([^])-([^])/gu, (range, from: string, to: string) =>
      from < '/' && '/' < to ? `${from}-.0-${to}` : range,
    )
    .replaceAll(/[\\[\]^&~]/g, String.raw`\$&`);
  return `[${isNegative ? '^/' : ''}${inner}]`;
}

function literal(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
}
