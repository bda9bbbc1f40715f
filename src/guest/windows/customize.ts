import { createHash } from 'node:crypto';
import { DOMParser } from '@xmldom/xmldom';
import type { Element } from '@xmldom/xmldom';
import { CygstrapError } from '../../errors.ts';
import { cygwinFileNames } from '../cygwin/files.ts';
import { MARKER_FILE, SCRIPT_FILE, cygwinPrefix, isLegacyKind } from './options.ts';
import { hasSpecialize } from './script.ts';
import type { WindowsKind } from '../../core/windows/kinds.ts';
import type { Elements, Setting } from './xml.ts';

/** The files of a user for an installation. */
export interface Customization {
  /** Files for the answer medium, by path. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Elements for the answer file. */
  readonly settings: readonly Setting[];
  /** Which of the commands of the user are among the files. */
  readonly commands: { readonly specialize: boolean; readonly logon: boolean };
  readonly hasDrivers: boolean;
  /** SHA-256 of all files with their paths, in hexadecimal. */
  readonly digest: string;
}

/** Directory of fragments of answer files, which are not copied to the medium. */
const FRAGMENTS = 'answers/';
const DRIVERS = 'drivers/';
const COMMANDS = { specialize: 'specialize.cmd', logon: 'logon.cmd' } as const;
const RESERVED = [MARKER_FILE, SCRIPT_FILE, 'autounattend.xml', 'winnt.sif'];

/** Returns what the files of a user mean: `answers/*.xml` are merged into the answer file, `specialize.cmd` and
 *  `logon.cmd` are run in these phases, drivers in `drivers/` are installed, and all other files are only on the
 *  medium. `directory` is its name for messages. Throws `usage` for a file with the name of one of ours, a malformed
 *  fragment, and what Setup of this kind does not support. */
export function customizationOf(
  kind: WindowsKind,
  directory: string,
  files: ReadonlyMap<string, Uint8Array>,
): Customization {
  const digest = createHash('sha256');
  const settings: Setting[] = [];
  const onMedium = new Map<string, Uint8Array>();
  // Of all files, in lower case: Windows ignores the case of names.
  const names = new Set<string>();
  const isLegacy = isLegacyKind(kind);
  const reserved = [...RESERVED, ...cygwinFileNames(cygwinPrefix(kind))];
  for (const [path, bytes] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const shown = `${directory}/${path}`;
    const name = path.toLowerCase();
    digest.update(`${path}\0${bytes.length}\0`).update(bytes);
    if (reserved.includes(name)) throw refused(shown, 'this file is made by cygstrap');
    if (isLegacy && path.includes('/')) throw refused(shown, 'the medium is a floppy, without directories');
    if (names.has(name)) throw refused(shown, 'another file has this name in other case, which is the same in Windows');
    names.add(name);
    if (name === COMMANDS.specialize && !hasSpecialize(kind))
      throw refused(shown, `Setup of ${kind} runs no commands in that phase; \`logon.cmd\` runs at the first logon`);
    if (!name.startsWith(FRAGMENTS)) onMedium.set(path, bytes);
    else if (name.endsWith('.xml')) settings.push(...readFragment(bytes, shown));
    else throw refused(shown, 'the directory `answers` is for fragments `*.xml`');
  }
  return {
    files: onMedium,
    settings,
    commands: { specialize: names.has(COMMANDS.specialize), logon: names.has(COMMANDS.logon) },
    hasDrivers: [...names].some((name) => name.startsWith(DRIVERS)),
    digest: digest.digest('hex'),
  };
}

/** Reads a fragment: an answer file with the elements to add. Throws `usage` with the file and its fault. */
export function readFragment(bytes: Uint8Array, file: string): Setting[] {
  let root: Element | null;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    const parser = new DOMParser({
      onError: (_level, message) => {
        throw new Error(message);
      },
    });
    root = parser.parseFromString(text, 'text/xml').documentElement;
  } catch (cause) {
    throw new CygstrapError('usage', `${file}: malformed XML`, { cause });
  }
  if (root?.localName !== 'unattend') throw refused(file, 'its first element is not `unattend`');
  return childrenOf(root).flatMap((settings) => {
    const pass = settings.getAttribute('pass') ?? '';
    if (settings.localName !== 'settings' || !PASSES.includes(pass))
      throw refused(`${file}:${settings.lineNumber}`, `not one of the passes ${PASSES.join(', ')}`);
    return childrenOf(settings).map((component) => {
      const name = component.getAttribute('name') ?? '';
      if (component.localName !== 'component' || !name.startsWith(PREFIX))
        throw refused(`${file}:${component.lineNumber}`, `not a component \`${PREFIX}...\``);
      return { pass, component: name.slice(PREFIX.length), elements: elementsOf(component, file), file };
    });
  });
}

const PREFIX = 'Microsoft-Windows-';

/** The passes of Setup that an installation from a medium has, in their order. */
const PASSES = ['windowsPE', 'offlineServicing', 'specialize', 'oobeSystem'];

/** Longest commands that Setup accepts, by element. A longer one fails its whole pass. */
const LONGEST: Readonly<Record<string, number>> = { 'RunSynchronousCommand/Path': 255 };

function elementsOf(parent: Element, file: string): Elements {
  const elements: Record<string, Elements[string]> = {};
  for (const child of childrenOf(parent)) {
    const name = child.localName ?? '';
    const inner = childrenOf(child);
    const isItem = [...child.attributes].some(({ localName, value }) => localName === 'action' && value === 'add');
    const before = elements[name];
    // The command of cygstrap powers off, so that one after it would not run.
    if (name === 'FirstLogonCommands')
      throw refused(`${file}:${child.lineNumber}`, 'commands for the first logon are in `logon.cmd`');
    const limit = LONGEST[`${parent.localName}/${name}`] ?? Number.POSITIVE_INFINITY;
    if ((child.textContent ?? '').length > limit)
      throw refused(`${file}:${child.lineNumber}`, `the command is longer than ${limit} characters`);
    if (before !== undefined && !(isItem && Array.isArray(before)))
      throw refused(`${file}:${child.lineNumber}`, `duplicate element \`${name}\`, which Setup refuses`);
    if (isItem) elements[name] = [...(Array.isArray(before) ? (before as Elements[]) : []), elementsOf(child, file)];
    else elements[name] = inner.length === 0 ? (child.textContent ?? '') : elementsOf(child, file);
  }
  return elements;
}

function childrenOf(parent: Element): Element[] {
  return [...parent.childNodes].filter((node) => node.nodeType === 1) as Element[];
}

/** Adds the elements of a user to ours. Items of lists come after ours, with new numbers in `Order`. Throws `usage`
 *  for an element that two of them have: Setup refuses it. */
export function mergeSettings(own: readonly Setting[], added: readonly Setting[]): Setting[] {
  const merged = [...own];
  for (const setting of added) {
    const { pass, component, elements } = setting;
    const at = merged.findIndex((each) => each.pass === pass && each.component === component);
    const place = `${pass} ${component}`;
    const before = merged[at];
    if (before === undefined) merged.push(setting);
    else merged[at] = { ...before, elements: mergeElements(before.elements, elements, place, setting.file) };
  }
  return merged.sort((a, b) => PASSES.indexOf(a.pass) - PASSES.indexOf(b.pass));
}

function mergeElements(own: Elements, added: Elements, place: string, file = ''): Elements {
  const merged: Record<string, Elements[string]> = { ...own };
  for (const [name, value] of Object.entries(added)) {
    const before = own[name];
    const path = `${place}/${name}`;
    if (before === undefined) merged[name] = value;
    else if (Array.isArray(before) && Array.isArray(value))
      merged[name] = [...(before as Elements[]), ...(value as Elements[])].map((item, i) =>
        'Order' in item ? { ...item, Order: String(i + 1) } : item,
      );
    else if (isParent(before) && isParent(value)) merged[name] = mergeElements(before, value, path, file);
    else throw refused(file, `\`${path}\` is already in the answer file`);
  }
  return merged;
}

function isParent(value: Elements[string]): value is Elements {
  return typeof value === 'object' && !Array.isArray(value);
}

function refused(file: string, why: string): CygstrapError {
  return new CygstrapError('usage', `\`${file}\` cannot be used: ${why}`, {
    hint: 'correct the files of `--customize`',
  });
}
