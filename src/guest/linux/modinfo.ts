import { GuestError } from '../guest-error.ts';

/** Dependencies of a kernel module. */
export interface Modinfo {
  readonly depends: readonly string[];
  /** Modules to load first if the kernel has them. */
  readonly softDepends: readonly string[];
}

const ELF_MAGIC = 0x464c457f;
const CLASS_64_LITTLE = 0x0102;

/** Reads the section `.modinfo` of a 64-bit little-endian kernel module. Returns names with `_`. Throws GuestError
 *  `io` for anything else. */
export function modinfo(path: string, bytes: Uint8Array): Modinfo {
  const words = sectionText(path, bytes, '.modinfo').split('\0');
  const values = (key: string): string[] =>
    words.filter((word) => word.startsWith(`${key}=`)).map((word) => word.slice(key.length + 1));
  const names = (text: string, separator: RegExp): string[] =>
    text.split(separator).flatMap((name) => (name === '' ? [] : [name.replaceAll('-', '_')]));
  return {
    depends: values('depends').flatMap((text) => names(text, /,/)),
    softDepends: values('softdep').flatMap((text) => names(/^pre:(.*?)(?:post:|$)/.exec(text)?.[1] ?? '', /\s+/)),
  };
}

function sectionText(path: string, bytes: Uint8Array, wanted: string): string {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    if (view.readUInt32LE(0) !== ELF_MAGIC || view.readUInt16LE(4) !== CLASS_64_LITTLE)
      throw new RangeError('no 64-bit ELF');
    const table = Number(view.readBigUInt64LE(0x28));
    const [entrySize, count, namesIndex] = [view.readUInt16LE(0x3a), view.readUInt16LE(0x3c), view.readUInt16LE(0x3e)];
    const section = (index: number): { name: number; offset: number; size: number } => {
      const at = table + index * entrySize;
      return {
        name: view.readUInt32LE(at),
        offset: Number(view.readBigUInt64LE(at + 0x18)),
        size: Number(view.readBigUInt64LE(at + 0x20)),
      };
    };
    const names = section(namesIndex).offset;
    for (let index = 0; index < count; index += 1) {
      const { name, offset, size } = section(index);
      const end = view.indexOf(0, names + name);
      if (view.toString('latin1', names + name, end) === wanted) return view.toString('latin1', offset, offset + size);
    }
    throw new RangeError(`no section ${wanted}`);
  } catch (cause) {
    throw new GuestError('io', `\`${path}\` is not a kernel module`, { cause });
  }
}
