import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PAGE = 0x1000;

/** One section at the first page: no relocation is left, since all addresses are relative. */
const LAYOUT = `SECTIONS {
  . = ${PAGE};
  .all : { *(.text.first) *(.text*) *(.rodata*) *(.data*) }
  /DISCARD/ : { *(*) }
}
`;

const COMPILER =
  '-std=c11 -Os -Wall -Werror -ffreestanding -fPIE -fno-plt -fno-jump-tables -fno-builtin -fno-stack-protector ' +
  '-fcf-protection=none -fno-asynchronous-unwind-tables -fshort-wchar -mno-red-zone -mno-sse ' +
  '-nostdlib -static -no-pie -Wl,--build-id=none -Wl,--oformat=binary';

/** What starts a PE program. */
const SUBSYSTEMS = { efi: 10, console: 3 } as const;

export interface PeOptions {
  /** Path of a file in C; its entry is in the section `.text.first`. */
  readonly source: string;
  readonly entry: string;
  readonly subsystem: keyof typeof SUBSYSTEMS;
  readonly defines?: Readonly<Record<string, number>>;
}

/** Compiles a file without libraries to a PE program for x86-64. Needs gcc. */
export function compilePe({ source, entry, subsystem, defines = {} }: PeOptions): Buffer {
  const directory = mkdtempSync(join(tmpdir(), 'pe-'));
  try {
    const [layout, flat] = [join(directory, 'layout.ld'), join(directory, 'program.bin')];
    writeFileSync(layout, `ENTRY(${entry})\n${LAYOUT}`);
    const own = Object.entries(defines).map(([name, value]) => `-D${name}=${value}`);
    execFileSync('gcc', [...COMPILER.split(' '), ...own, `-Wl,-T,${layout}`, '-o', flat, source]);
    return withHeaders(readFileSync(flat), SUBSYSTEMS[subsystem]);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Puts the headers of a PE32+ file with one section before code that begins with its entry.
 *  Source: Microsoft's PE format, sections `MS-DOS stub`, `COFF file header`, `Optional header`, `Section table`. */
function withHeaders(code: Buffer, subsystem: number): Buffer {
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
  if (subsystem === SUBSYSTEMS.console) {
    image.writeBigUInt64LE(0x140000000n, optional + 24); // base address
    image.writeUInt16LE(6, optional + 40); // version of Windows
    image.writeUInt16LE(6, optional + 48); // version of the subsystem
    for (const at of [72, 88]) image.writeBigUInt64LE(0x100000n, optional + at); // reserved stack and heap
    for (const at of [80, 96]) image.writeBigUInt64LE(0x10000n, optional + at); // committed stack and heap
  }
  image.writeUInt32LE(PAGE, optional + 32); // alignment in memory
  image.writeUInt32LE(0x200, optional + 36); // alignment in the file
  image.writeUInt32LE(image.length, optional + 56);
  image.writeUInt32LE(PAGE, optional + 60); // size of the headers
  image.writeUInt16LE(subsystem, optional + 68);
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
