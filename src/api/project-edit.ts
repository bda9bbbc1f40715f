import { applyEdits, findNodeAtLocation, modify, parseTree } from 'jsonc-parser';
import type { FormattingOptions, ModificationOptions } from 'jsonc-parser';

const LIST = 'packages';

/** Changes of the packages of a project file. */
export interface PackageChanges {
  /** `NAME`, or `NAME=VERSION`; replaces an item with the same name. */
  readonly add?: readonly string[] | undefined;
  /** Names of packages. */
  readonly remove?: readonly string[] | undefined;
}

/** Returns the name in `NAME` or `NAME=VERSION`. */
export function nameOf(item: string): string {
  return item.split('=', 1)[0] ?? item;
}

/** Changes the list of packages in the text of a valid project file. New items are appended. All other text keeps its
 *  form: line ends, indentation, and the order of fields. */
export function editPackages(text: string, { add = [], remove = [] }: PackageChanges): string {
  const mark = text.startsWith('\ufeff') ? '\ufeff' : '';
  const removed = new Set(remove);
  let edited = without(text.slice(mark.length), (item) => removed.has(nameOf(item)));
  for (const item of add) {
    const same = itemsOf(edited).find((each) => nameOf(each) === nameOf(item));
    if (same === undefined) edited = withItem(edited, item);
    else {
      if (same !== item) edited = changed(edited, itemsOf(edited).indexOf(same), item, {});
      edited = without(edited, (each) => each !== item && nameOf(each) === nameOf(item));
    }
  }
  return mark + edited;
}

function without(text: string, isRemoved: (item: string) => boolean): string {
  return itemsOf(text).reduceRight((left, item, i) => (isRemoved(item) ? withoutItem(left, i) : left), text);
}

/** Removes an item with the separator before it, or of the first item after it. The library (3.3.1) leaves a quotation
 *  mark when it removes the last item of a list on one line. */
function withoutItem(text: string, index: number): string {
  const list = listIn(text);
  const items = list?.children ?? [];
  const [before, item, after] = [items[index - 1], items[index], items[index + 1]];
  if (list === undefined || item === undefined) return text;
  const [from, to] =
    before !== undefined
      ? [before.offset + before.length, item.offset + item.length]
      : after !== undefined
        ? [item.offset, after.offset]
        : [list.offset + 1, list.offset + list.length - 1];
  return text.slice(0, from) + text.slice(to);
}

/** Appends an item: on the line of the others, or on a line of its own. */
function withItem(text: string, item: string): string {
  const list = listIn(text);
  const { length } = list?.children ?? [];
  const isOnOneLine = list !== undefined && !text.slice(list.offset, list.offset + list.length).includes('\n');
  if (length === 0 || !isOnOneLine)
    return changed(text, length, item, { isArrayInsertion: length > 0, formattingOptions: formOf(text) });
  // The library formats whole lines; without that it puts no space after the comma.
  const edits = modify(text, [LIST, length], item, { isArrayInsertion: true });
  return applyEdits(
    text,
    edits.map((edit) => ({ ...edit, content: edit.content.replace(/^,/, ', ') })),
  );
}

function changed(text: string, index: number, item: string, options: ModificationOptions): string {
  return applyEdits(text, modify(text, [LIST, index], item, options));
}

function itemsOf(text: string): readonly string[] {
  return (listIn(text)?.children ?? []).map(({ value }) => value as string);
}

function listIn(text: string) {
  const root = parseTree(text);
  return root && findNodeAtLocation(root, [LIST]);
}

/** Returns the form of a text: its first indentation and its line ends. */
function formOf(text: string): FormattingOptions {
  const indentation = /^[ \t]+(?=")/m.exec(text)?.[0] ?? '  ';
  return {
    insertSpaces: !indentation.startsWith('\t'),
    tabSize: indentation.length,
    eol: text.includes('\r\n') ? '\r\n' : '\n',
  };
}
