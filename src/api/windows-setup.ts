import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { OperationContext } from './context.ts';
import { chooseEdition } from '../guest/windows/edition.ts';
import { customizationOf } from '../guest/windows/customize.ts';
import type { Customization } from '../guest/windows/customize.ts';
import { HARDWARE } from '../guest/windows/machine.ts';
import {
  DEFAULT_COMPUTER_NAME,
  DEFAULT_TIME_ZONE,
  checkNames,
  isProductKey,
  parseProductKey,
} from '../guest/windows/setup.ts';
import type { WindowsSetup } from '../guest/windows/setup.ts';
import { CygstrapError } from '../errors.ts';
import type { WindowsKind } from '../core/windows/kinds.ts';
import { filesBelow } from './media-additions.ts';
import { inspectMedia } from './media-inspect.ts';

export interface WindowsRequest {
  /** The ISO image. */
  readonly iso: string;
  /** The expected digest, 64 hexadecimal digits. */
  readonly isoSha256?: string | undefined;
  /** The guest kind; by default that of the edition. */
  readonly guest?: string | undefined;
  /** Number, name or edition id; by default as `chooseEdition` chooses. */
  readonly edition?: string | undefined;
  /** The product key of the user; by default none. */
  readonly productKey?: string | undefined;
  /** Formats and keyboard, such as `de-DE`; by default the language of Setup. */
  readonly locale?: string | undefined;
  /** Name of a time zone of Windows; by default `UTC`. */
  readonly timeZone?: string | undefined;
  /** By default `CYGWIN-BUILD`. */
  readonly computerName?: string | undefined;
  /** Directory with files for the answer medium, see `customizationOf`. */
  readonly customize?: string | undefined;
}

/** Reads an ISO image and returns what to install from it. Reports a warning if Setup can ask for a product key. Throws
 *  what `inspectMedia` throws, and `usage` for an edition, a name, a product key or a customization that cannot be
 *  used. */
export async function prepareWindows(request: WindowsRequest, context: OperationContext = {}): Promise<WindowsSetup> {
  const { report = () => {} } = context;
  const { iso, isoSha256, guest, productKey, timeZone = DEFAULT_TIME_ZONE } = request;
  const { computerName = DEFAULT_COMPUTER_NAME } = request;
  const { sha256, ...medium } = await inspectMedia({ iso, digest: true, sha256: isoSha256 }, context);
  const edition = chooseEdition(medium, {
    wanted: request.edition,
    kind: guest === undefined ? undefined : windowsKind(guest),
  });
  const { kind } = edition;
  const locale = request.locale ?? medium.setupLanguage ?? edition.languages[0] ?? 'en-US';
  checkNames(kind, { locale, timeZone, computerName });
  const key = productKey === undefined ? undefined : parseProductKey(productKey);
  if (key !== undefined && edition.isEvaluation) {
    throw new CygstrapError('usage', `\`${edition.name}\` is an evaluation edition, which has no product key`, {
      hint: 'leave the product key out',
    });
  }
  if (key === undefined && !edition.isEvaluation)
    report({ kind: 'warning', message: `Setup of \`${edition.name}\` can ask for a product key, and then waits` });
  return {
    kind,
    medium: { ...medium, path: resolve(iso) },
    isoSha256: sha256 ?? '',
    edition,
    arch: edition.arch,
    locale,
    timeZone,
    computerName,
    productKey: key,
    customization: request.customize === undefined ? undefined : await readCustomization(kind, request.customize),
  };
}

function windowsKind(name: string): WindowsKind {
  if (Object.hasOwn(HARDWARE, name)) return name as WindowsKind;
  throw new CygstrapError('usage', `\`${name}\` is not a kind of Windows`, {
    hint: `use one of ${Object.keys(HARDWARE).join(', ')}, or leave it out`,
  });
}

async function readCustomization(kind: WindowsKind, directory: string): Promise<Customization> {
  const files = new Map<string, Uint8Array>();
  for (const { path, location } of await filesBelow(directory)) files.set(path, await readFile(location));
  return customizationOf(kind, directory, files);
}

/** Reads a product key from a file. Throws `usage`; no message contains a key, not even one in place of the file. */
export async function readProductKey(file: string): Promise<string> {
  if (isProductKey(file)) {
    throw new CygstrapError('usage', 'the option for the product key has a key instead of a file', {
      hint: 'write the key into a file and name that: other users see the command line',
    });
  }
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new CygstrapError('usage', `cannot read the product key from \`${file}\``, {
      cause,
      hint: 'name a file that has only the key',
    });
  }
}
