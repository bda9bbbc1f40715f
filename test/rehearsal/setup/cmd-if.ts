import { plain, UnknownConstruct } from './cmd-text.ts';

/** What a condition depends on. */
interface Facts {
  readonly exists: (path: string) => boolean;
  readonly level: number;
  readonly variables: ReadonlyMap<string, string>;
}

/** Returns whether the condition at the beginning of a text is met, and what follows it. */
export function conditionOf(text: string, { exists, level, variables }: Facts): { isTrue: boolean; rest: string } {
  const [, ignoresCase, negates, body = ''] = /^(\/i\s+)?(not\s+)?([^]*)$/i.exec(text) ?? [];
  const fold = (word: string): string => (ignoresCase === undefined ? plain(word) : plain(word).toLowerCase());
  const result = (isMet: boolean, rest: string | undefined): { isTrue: boolean; rest: string } => ({
    isTrue: isMet === (negates === undefined),
    rest: (rest ?? '').trim(),
  });
  const [, path, afterPath] = /^exist\s+("[^"]*"|\S+)\s+([^]*)$/i.exec(body) ?? [];
  if (path !== undefined) return result(exists(path), afterPath);
  const [, least, afterLevel] = /^errorlevel\s+(\d+)\s+([^]*)$/i.exec(body) ?? [];
  if (least !== undefined) return result(level >= Number(least), afterLevel);
  const [, name, afterName] = /^defined\s+(\S+)\s+([^]*)$/i.exec(body) ?? [];
  if (name !== undefined) return result((variables.get(name.toLowerCase()) ?? '') !== '', afterName);
  const [, number, than, afterNumber] = /^(-?\d+)\s+gtr\s+(-?\d+)\s+([^]*)$/i.exec(body) ?? [];
  if (number !== undefined) return result(Number(number) > Number(than), afterNumber);
  const [, left, sign, right, after] =
    /^("[^"]*"|[^\s=]+)\s*(==|\s(?:equ|neq)\s)\s*("[^"]*"|[^\s(]+)\s*([^]*)$/i.exec(body) ?? [];
  if (left === undefined || right === undefined) throw new UnknownConstruct(`if ${text}`);
  return result((fold(left) === fold(right)) === (sign?.trim().toLowerCase() !== 'neq'), after);
}
