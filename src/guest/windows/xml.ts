import { DOMImplementation, XMLSerializer } from '@xmldom/xmldom';
import type { Document, Element } from '@xmldom/xmldom';

const NAMESPACE = 'urn:schemas-microsoft-com:unattend';
const CONFIGURATION = 'http://schemas.microsoft.com/WMIConfig/2002/State';

/** Elements by name; a list repeats the element, each with `wcm:action="add"`. */
export interface Elements {
  readonly [name: string]: string | Elements | readonly Elements[];
}

/** The elements of one component in one pass. */
export interface Setting {
  readonly pass: string;
  /** Without the prefix `Microsoft-Windows-`. */
  readonly component: string;
  readonly elements: Elements;
  /** File of the user that it comes from. */
  readonly file?: string;
}

/** Returns an answer file for Setup of Windows 7 and later, in UTF-8 with CR LF. Settings of one pass stay together,
 *  in the order of the passes. */
export function printAnswerFile(settings: readonly Setting[], arch: string): string {
  const document = new DOMImplementation().createDocument(NAMESPACE, 'unattend');
  const root = document.documentElement;
  if (root === null) throw new Error('a document has a root');
  root.setAttributeNS('http://www.w3.org/2000/xmlns/', 'xmlns:wcm', CONFIGURATION);
  const passes = [...new Set(settings.map(({ pass }) => pass))];
  for (const pass of passes) {
    const parent = child(document, root, 'settings');
    parent.setAttribute('pass', pass);
    for (const setting of settings.filter((one) => one.pass === pass)) {
      const component = child(document, parent, 'component');
      component.setAttribute('name', `Microsoft-Windows-${setting.component}`);
      component.setAttribute('processorArchitecture', arch);
      component.setAttribute('publicKeyToken', '31bf3856ad364e35');
      component.setAttribute('language', 'neutral');
      component.setAttribute('versionScope', 'nonSxS');
      append(document, component, setting.elements);
    }
  }
  const text = `<?xml version="1.0" encoding="utf-8"?>${new XMLSerializer().serializeToString(document)}\r\n`;
  // Each element on a line: Setup names the line of a fault.
  return text.replaceAll(/>(?=<(?!\/))|(?<=<\/[^>]*>)(?=<\/)/g, (at) => `${at}\r\n`);
}

function append(document: Document, parent: Element, elements: Elements): void {
  for (const [name, value] of Object.entries(elements)) {
    if (typeof value === 'string') child(document, parent, name).textContent = value;
    else if (Array.isArray(value)) {
      for (const each of value as readonly Elements[]) {
        const item = child(document, parent, name);
        item.setAttributeNS(CONFIGURATION, 'wcm:action', 'add');
        append(document, item, each);
      }
    } else append(document, child(document, parent, name), value as Elements);
  }
}

function child(document: Document, parent: Element, name: string): Element {
  const element = document.createElementNS(NAMESPACE, name);
  parent.appendChild(element);
  return element;
}
