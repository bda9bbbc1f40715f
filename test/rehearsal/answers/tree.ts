import { DOMParser } from '@xmldom/xmldom';
import type { Element } from '@xmldom/xmldom';
import { isOfType } from './schema.ts';
import type { Schema } from './schema.ts';
import { badValue, refusal, SetupStops } from './stops.ts';

const NAMESPACE = 'urn:schemas-microsoft-com:unattend';
const CONFIGURATION = 'http://schemas.microsoft.com/WMIConfig/2002/State';

const PASSES = ['windowsPE', 'offlineServicing', 'generalize', 'specialize', 'auditSystem', 'auditUser', 'oobeSystem'];
/** Identity of Microsoft's components; the architecture is compared apart. */
const IDENTITY = { publicKeyToken: '31bf3856ad364e35', language: 'neutral', versionScope: 'nonSxS' };

/** An answer file that is well formed. */
export interface AnswerFile {
  readonly root: Element;
}

/** The settings of a component, or of an item of a list in it. */
export interface Settings {
  /** The value at a path, such as `OOBE/HideEULAPage`; undefined if the file does not have it. */
  readonly text: (path: string) => string | undefined;
  /** The items of the list at a path; none if the file does not have it. */
  readonly items: (path: string) => readonly Settings[];
}

/** Reads an answer file. Returns undefined for a file that Setup ignores: one with bytes before its declaration. Throws
 *  {@link SetupStops} for a file that is not well formed, or that has another shape than an answer file. */
export function parseAnswerFile(bytes: Uint8Array): AnswerFile | undefined {
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, 8)).replace(/^ï»¿/, '');
  if (!start.startsWith('<')) return undefined;
  const text = decode(bytes);
  const illegal = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u.exec(text);
  if (illegal !== null) throw invalid(text.slice(0, illegal.index).split('\n').length);
  let line = 0;
  try {
    const parser = new DOMParser({
      onError: (_level: string, message: string, context: { locator?: { lineNumber?: number } }) => {
        line = context.locator?.lineNumber ?? 0;
        throw new Error(message);
      },
    });
    const root = parser.parseFromString(text, 'text/xml').documentElement;
    if (root !== null && root.localName === 'unattend' && root.namespaceURI === NAMESPACE) return checkShape(root);
  } catch (error) {
    if (error instanceof SetupStops) throw error;
    throw invalid(line);
  }
  throw invalid(1);
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw invalid(1);
  }
}

function invalid(line: number): SetupStops {
  return new SetupStops('error', `The answer file is invalid. The error was detected at line ${line}`);
}

/** The elements above the components. An element of somebody else needs a namespace of its own. */
function checkShape(root: Element): AnswerFile {
  for (const settings of elements(root)) {
    if (settings.namespaceURI !== NAMESPACE) continue;
    const isPass = settings.localName === 'settings' && PASSES.includes(settings.getAttribute('pass') ?? '');
    if (!isPass) throw invalid(lineOf(settings));
    for (const component of elements(settings)) {
      const isComponent = component.localName === 'component' && component.namespaceURI === NAMESPACE;
      if (!isComponent || !component.hasAttribute('name')) throw invalid(lineOf(component));
    }
  }
  return { root };
}

/** Reads a pass. Returns its components by name without `Microsoft-Windows-`; components of another architecture are
 *  left out, as Setup ignores them. Throws {@link SetupStops} for what the version does not have, for an element that
 *  is there twice, and for a value of another type. */
export function readPass(
  { root }: AnswerFile,
  pass: string,
  schema: Schema,
  arch: string,
): ReadonlyMap<string, Settings> {
  const components = new Map<string, Settings>();
  const seen = new Set<string>();
  for (const settings of elements(root)) {
    if (settings.getAttribute('pass') !== pass) continue;
    for (const component of elements(settings)) {
      const fullName = component.getAttribute('name') ?? '';
      const name = fullName.replace(/^Microsoft-Windows-/, '');
      const architecture = component.getAttribute('processorArchitecture');
      if (architecture === null) throw unknown(pass, fullName, component);
      if (architecture !== arch) continue;
      const isOurs = Object.entries(IDENTITY).every(([key, value]) => component.getAttribute(key) === value);
      if (!isOurs || name === fullName || !schema.hasComponent(pass, name)) throw unknown(pass, fullName, component);
      if (seen.has(name)) throw twice(pass, fullName);
      seen.add(name);
      check(component, pass, name, schema, '');
      components.set(name, settingsOf(component));
    }
  }
  return components;
}

function check(parent: Element, pass: string, component: string, schema: Schema, above: string): void {
  const names = new Set<string>();
  for (const element of elements(parent)) {
    const path = `${above}${element.localName}`;
    const type = schema.typeAt(pass, component, path);
    if (type === undefined || element.namespaceURI !== NAMESPACE) throw unknown(pass, `${component}/${path}`, element);
    const isAdded = type === 'list' && element.getAttributeNS(CONFIGURATION, 'action') === 'add';
    if (names.has(path) && !isAdded) throw twice(pass, `${component}/${path}`);
    names.add(path);
    if (type === 'list' || type === 'group') {
      check(element, pass, component, schema, `${path}${type === 'list' ? '[]' : ''}/`);
      continue;
    }
    const [inner] = elements(element);
    if (inner !== undefined) throw unknown(pass, `${component}/${path}/${inner.localName}`, inner);
    const text = element.textContent ?? '';
    if (!isOfType(type, text)) throw badValue(pass, component, `${path}, line ${lineOf(element)}`);
  }
}

function unknown(pass: string, what: string, element: Element): SetupStops {
  const where = `[${what}], line ${lineOf(element)}`;
  return refusal(pass, `A component or setting specified in the answer file does not exist: ${where}`);
}

function twice(pass: string, what: string): SetupStops {
  return refusal(pass, `A component or non-list setting is specified more than once in the answer file: [${what}]`);
}

function settingsOf(element: Element): Settings {
  const find = (path: string): Element[] =>
    path
      .split('/')
      .reduce<Element[]>(
        (parents, name) => parents.flatMap((parent) => elements(parent).filter(({ localName }) => localName === name)),
        [element],
      );
  return {
    text: (path) => find(path)[0]?.textContent ?? undefined,
    items: (path) => find(path).map((each) => settingsOf(each)),
  };
}

function elements(parent: Element): Element[] {
  return [...parent.childNodes].filter((node): node is Element => node.nodeType === 1);
}

function lineOf(element: Element): number {
  return (element as { lineNumber?: number }).lineNumber ?? 0;
}
