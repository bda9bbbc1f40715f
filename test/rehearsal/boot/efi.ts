import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What the boot code of a medium or disk does before it starts Linux: how often it asks for a key, and how long it
 *  waits each time. */
export interface BootPrompt {
  readonly prompts: number;
  readonly waitSeconds: number;
}

const PAGE = 0x1000;

/** One section at the first page: no relocation is left, since all addresses are relative. */
const LAYOUT = `ENTRY(efi_main)
SECTIONS {
  . = ${PAGE};
  .all : { *(.text.first) *(.text*) *(.rodata*) *(.data*) }
  /DISCARD/ : { *(*) }
}
`;

const COMPILER =
  '-std=c11 -Os -Wall -Werror -ffreestanding -fPIE -fno-plt -fno-jump-tables -fno-builtin -fno-stack-protector ' +
  '-fcf-protection=none -fno-asynchronous-unwind-tables -fshort-wchar -mno-red-zone -mno-sse ' +
  '-nostdlib -static -no-pie -Wl,--build-id=none -Wl,--oformat=binary';

/** Compiles the boot code to an EFI application. Needs gcc. */
export function efiApplication({ prompts, waitSeconds }: BootPrompt): Buffer {
  const directory = mkdtempSync(join(tmpdir(), 'efi-'));
  try {
    const [layout, flat] = [join(directory, 'layout.ld'), join(directory, 'loader.bin')];
    writeFileSync(layout, LAYOUT);
    const own = [`-DPROMPTS=${prompts}`, `-DWAIT_SECONDS=${waitSeconds}`, `-Wl,-T,${layout}`, '-o', flat];
    execFileSync('gcc', [...COMPILER.split(' '), ...own, join(import.meta.dirname, 'loader.c')]);
    return withHeaders(readFileSync(flat));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Puts the headers of a PE32+ file with one section before code that begins with its entry.
 *  Source: Microsoft's PE format, sections `MS-DOS stub`, `COFF file header`, `Optional header`, `Section table`. */
function withHeaders(code: Buffer): Buffer {
  const codeBytes = Math.ceil(code.length / PAGE) * PAGE;
  const image = Buffer.alloc(PAGE + codeBytes);
  code.copy(image, PAGE);
  image.write('MZ', 0);
  image.writeUInt32LE(64, 60);
  image.write('PE', 64);
  const file = 68;
  image.writeUInt16LE(0x8664, file); // x86-64
  image.writeUInt16LE(1, file + 2); // sections
  image.writeUInt16LE(240, file + 16); // size of the optional header
  image.writeUInt16LE(0x0002, file + 18); // executable
  const optional = file + 20;
  image.writeUInt16LE(0x20b, optional); // PE32+
  image.writeUInt32LE(codeBytes, optional + 4);
  image.writeUInt32LE(PAGE, optional + 16); // entry
  image.writeUInt32LE(PAGE, optional + 20); // start of the code
  image.writeUInt32LE(PAGE, optional + 32); // alignment in memory
  image.writeUInt32LE(0x200, optional + 36); // alignment in the file
  image.writeUInt32LE(image.length, optional + 56);
  image.writeUInt32LE(PAGE, optional + 60); // size of the headers
  image.writeUInt16LE(10, optional + 68); // EFI application
  image.writeUInt32LE(16, optional + 108); // data directories, all empty
  const section = optional + 240;
  image.write('.all', section);
  image.writeUInt32LE(codeBytes, section + 8);
  image.writeUInt32LE(PAGE, section + 12);
  image.writeUInt32LE(codeBytes, section + 16);
  image.writeUInt32LE(PAGE, section + 20);
  image.writeUInt32LE(0xe0000060, section + 36); // code and data, executable, readable, writable
  return image;
}
