import { DOMParser } from '@xmldom/xmldom';
import type { Element } from '@xmldom/xmldom';
import { damaged } from './image-file.ts';
import { readResource } from './wim-resource.ts';
import type { WimCompression, WimResource } from './wim-resource.ts';

// Source of the offsets: Windows Imaging (WIM) file format, Microsoft 2007.

export const WIM_HEADER_BYTES = 208;

/** Bound of the XML of a WIM; media have 10 to 60 KB. */
const MOST_XML_BYTES = 512 * 1024;

/** Flags of a resource: compressed, spanned over parts, solid. */
const UNREADABLE = 0x04 | 0x08 | 0x10;

/** The header of a WIM, ESD or part of a split WIM. */
export interface WimHeader {
  /** Of a split WIM: the number of this part, from 1, and of all parts. */
  readonly part: number;
  readonly parts: number;
  readonly images: number;
  readonly compression: WimCompression;
  /** The table of all resources. */
  readonly table: WimResource;
  readonly xml: WimResource;
}

/** An image of a WIM as its XML describes it. Missing elements are empty. */
export interface WimImage {
  /** From 1. */
  readonly index: number;
  readonly name: string;
  readonly description: string;
  readonly flags: string;
  /** Size of its files. */
  readonly totalBytes: number;
  /** Undefined if the image has no Windows. */
  readonly windows: WimWindows | undefined;
}

export interface WimWindows {
  readonly arch: 'x86' | 'amd64' | 'arm' | 'arm64' | 'ia64' | 'unknown';
  readonly editionId: string;
  /** `Client`, `Server`, `Server Core`, `WindowsPE`. */
  readonly installationType: string;
  readonly productType: string;
  readonly languages: readonly string[];
  /** As in `10.0.20348.587`: major, minor, build, and revision. */
  readonly version: readonly [major: number, minor: number, build: number, revision: number];
}

/** Reads the first 208 bytes of a WIM. Throws `damaged` for anything else. */
export function readWimHeader(bytes: Buffer, name: string): WimHeader {
  if (bytes.length < WIM_HEADER_BYTES || bytes.toString('latin1', 0, 8) !== 'MSWIM\0\0\0')
    throw damaged(`\`${name}\` is not a WIM`);
  const xml = readResource(bytes, 72);
  const { flags, storedBytes } = xml;
  if ((flags & UNREADABLE) !== 0) throw damaged(`the XML of \`${name}\` is compressed`);
  if (storedBytes === 0 || storedBytes > MOST_XML_BYTES)
    throw damaged(`the XML of \`${name}\` has ${storedBytes} bytes`);
  return {
    part: bytes.readUInt16LE(40),
    parts: bytes.readUInt16LE(42),
    images: bytes.readUInt32LE(44),
    compression: { method: methodOf(bytes.readUInt32LE(16)), chunkBytes: bytes.readUInt32LE(20) },
    table: readResource(bytes, 48),
    xml,
  };
}

/** Flags of a WIM: whether its resources are compressed, and how. Solid and other WIMs have further methods. */
function methodOf(flags: number): WimCompression['method'] {
  if ((flags & 0x2) === 0) return 'none';
  if ((flags & 0x2_0000) !== 0) return 'xpress';
  return (flags & 0x4_0000) === 0 ? 'unknown' : 'lzx';
}

/** Reads the XML of a WIM: UTF-16 with a byte order mark. Returns its images by index. Throws `damaged`. */
export function readWimXml(bytes: Buffer, name: string): WimImage[] {
  let root: Element | null;
  try {
    const text = new TextDecoder('utf-16le', { fatal: true }).decode(bytes);
    const parser = new DOMParser({
      onError: (_level, message) => {
        throw new Error(message);
      },
    });
    root = parser.parseFromString(text, 'text/xml').documentElement;
  } catch (cause) {
    throw damaged(`the XML of \`${name}\` is malformed: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  if (root?.tagName !== 'WIM') throw damaged(`the XML of \`${name}\` does not begin with <WIM>`);
  return children(root, 'IMAGE').map((image) => ({
    index: Number(image.getAttribute('INDEX')),
    name: text(image, 'DISPLAYNAME') || text(image, 'NAME'),
    description: text(image, 'DISPLAYDESCRIPTION') || text(image, 'DESCRIPTION'),
    flags: text(image, 'FLAGS'),
    totalBytes: count(text(image, 'TOTALBYTES')),
    windows: windowsOf(children(image, 'WINDOWS')[0]),
  }));
}

const ARCHITECTURES: Readonly<Record<string, WimWindows['arch']>> = {
  '0': 'x86',
  '5': 'arm',
  '6': 'ia64',
  '9': 'amd64',
  '12': 'arm64',
};

function windowsOf(windows: Element | undefined): WimWindows | undefined {
  if (windows === undefined) return undefined;
  const [languages, version] = [children(windows, 'LANGUAGES')[0], children(windows, 'VERSION')[0]];
  const number = (tag: string): number => count(text(version, tag));
  return {
    arch: ARCHITECTURES[text(windows, 'ARCH')] ?? 'unknown',
    editionId: text(windows, 'EDITIONID'),
    installationType: text(windows, 'INSTALLATIONTYPE'),
    productType: text(windows, 'PRODUCTTYPE'),
    languages:
      languages === undefined ? [] : children(languages, 'LANGUAGE').map((one) => (one.textContent ?? '').trim()),
    version: [number('MAJOR'), number('MINOR'), number('BUILD'), number('SPBUILD')],
  };
}

function children(parent: Element, tag: string): Element[] {
  const found: Element[] = [];
  for (let child = parent.firstChild; child !== null; child = child.nextSibling)
    if (child.nodeType === 1 && child.nodeName === tag) found.push(child as Element);
  return found;
}

function text(parent: Element | undefined, tag: string): string {
  return parent === undefined ? '' : (children(parent, tag)[0]?.textContent ?? '').trim();
}

function count(digits: string): number {
  return /^\d{1,15}$/.test(digits) ? Number(digits) : 0;
}
