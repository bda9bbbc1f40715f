import { mergeSettings } from './customize.ts';
import { columnOf, COLUMNS, ELEMENTS } from './elements.ts';
import type { ElementRow } from './elements.ts';
import type { LegacyKind, WindowsAnswers } from './options.ts';
import { printAnswerFile } from './xml.ts';
import type { Elements, Setting } from './xml.ts';

/** Answers for Windows 7 and later. */
export type AnswerFileAnswers = WindowsAnswers & { readonly kind: Exclude<WindowsAnswers['kind'], LegacyKind> };

/** Returns `autounattend.xml`: only elements that exist in this version of Windows, and those of the user. Throws
 *  `usage` for an element that both have, and for a command that is too long for Setup. */
export function answerFile(answers: AnswerFileAnswers, added: readonly Setting[] = []): string {
  return printAnswerFile(mergeSettings(settingsOf(answers), added), answers.arch);
}

function settingsOf(answers: AnswerFileAnswers): Setting[] {
  const column = COLUMNS.indexOf(columnOf(answers.kind));
  const settings = new Map<string, { pass: string; component: string; elements: Record<string, Elements[string]> }>();
  for (const row of ELEMENTS) {
    if (!isUsed(row, column)) continue;
    const value = row.value(answers);
    if (value === undefined) continue;
    const { pass, component, path } = row;
    const key = `${pass} ${component}`;
    const setting = settings.get(key) ?? { pass, component, elements: {} };
    settings.set(key, setting);
    put(setting.elements, path.split('/'), value);
  }
  return [...settings.values()];
}

/** Whether an element is proven in a version of Setup, or needed there. */
function isUsed({ uses, because }: ElementRow, column: number): boolean {
  const count = uses[column] ?? 0;
  return count >= 2 || (count === 1 && because !== undefined);
}

/** Adds a value at a path; makes the elements above it. */
function put(
  elements: Record<string, Elements[string]>,
  [first = '', ...rest]: readonly string[],
  value: Elements[string],
): void {
  if (rest.length === 0) elements[first] = value;
  else {
    const inner = { ...(elements[first] as Elements | undefined) };
    elements[first] = inner;
    put(inner, rest, value);
  }
}
