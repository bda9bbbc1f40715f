import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A byte, a label, or a reference to a label: a jump of one or two bytes, or an address of two bytes. */
type Part =
  | number
  | { readonly at: string }
  | { readonly near: string }
  | { readonly far: string }
  | { readonly address: string };

const LOADED_AT = 0x7c00;

function assembled(parts: readonly Part[]): Buffer {
  const places = new Map<string, number>();
  let offset = 0;
  for (const part of parts) {
    if (typeof part === 'number') offset++;
    else if ('at' in part) places.set(part.at, offset);
    else offset += 'near' in part ? 1 : 2;
  }
  const bytes: number[] = [];
  for (const part of parts) {
    if (typeof part === 'number') bytes.push(part);
    else if ('near' in part) bytes.push(((places.get(part.near) ?? 0) - bytes.length - 1) & 0xff);
    else if ('far' in part) {
      const distance = (places.get(part.far) ?? 0) - bytes.length - 2;
      bytes.push(distance & 0xff, (distance >> 8) & 0xff);
    } else if ('address' in part) {
      const address = (places.get(part.address) ?? 0) + LOADED_AT;
      bytes.push(address & 0xff, address >> 8);
    }
  }
  if (bytes.length > 510) throw new Error(`a boot sector has 510 bytes, not ${bytes.length}`);
  const sector = Buffer.alloc(512);
  sector.set(bytes);
  sector.set([0x55, 0xaa], 510);
  return sector;
}

// cli; xor ax, ax; mov ds, ax; mov ss, ax; mov sp, LOADED_AT
const SETUP: Part[] = [0xfa, 0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xd0, 0xbc, LOADED_AT & 0xff, LOADED_AT >> 8];

// putc: push dx; mov ah, al; mov dx, 3fd; wait: in al, dx; test al, 20h; jz wait; mov dx, 3f8; mov al, ah; out dx, al;
// pop dx; ret
const PUTC: Part[] = [
  { at: 'putc' },
  0x52,
  0x88,
  0xc4,
  0xba,
  0xfd,
  0x03,
  { at: 'wait' },
  0xec,
  0xa8,
  0x20,
  0x74,
  { near: 'wait' },
  0xba,
  0xf8,
  0x03,
  0x88,
  0xe0,
  0xee,
  0x5a,
  0xc3,
];

// hlt; jmp here
const HALT: Part[] = [{ at: 'halt' }, 0xf4, 0xeb, { near: 'halt' }];

// mov dx, 602h; mov ax, 100h; out dx, ax: from here on the power button is seen
const ENABLE_BUTTON: Part[] = [0xba, 0x02, 0x06, 0xb8, 0x00, 0x01, 0xef];

/** Code that a guest runs after its text; 16-bit words are written to ports. */
const ENDINGS: Readonly<Record<string, Part[]>> = {
  hang: [],
  // mov dx, 604h; mov ax, 2000h; out dx, ax: ACPI's S5
  'power off': [0xba, 0x04, 0x06, 0xb8, 0x00, 0x20, 0xef],
  // mov al, feh; out 64h, al
  reset: [0xb0, 0xfe, 0xe6, 0x64],
  // mov dx, 505h; mov al, 1; out dx, al: pvpanic
  panic: [0xba, 0x05, 0x05, 0xb0, 0x01, 0xee],
  // Wait for the power button (port 600h), then enter S5.
  'wait for the power button': [
    0xba,
    0x00,
    0x06,
    { at: 'poll' },
    0xed,
    0xf6,
    0xc4,
    0x01,
    0x74,
    { near: 'poll' },
    0xba,
    0x04,
    0x06,
    0xb8,
    0x00,
    0x20,
    0xef,
  ],
};

/** A guest that prints a text on its serial port, then ends in the given way. */
export function talkingGuest(text: string, ending: keyof typeof ENDINGS): Buffer {
  const said = [...Buffer.from(text, 'latin1')].flatMap((byte): Part[] => [0xb0, byte, 0xe8, { far: 'putc' }]);
  return assembled([...SETUP, ...ENABLE_BUTTON, ...said, ...(ENDINGS[ending] ?? []), ...HALT, ...PUTC]);
}

/** A guest that counts in its memory and prints each number as four letters from A to P. */
export function countingGuest(): Buffer {
  return assembled([
    ...SETUP,
    // mov word [9000h], 0
    0xc7,
    0x06,
    0x00,
    0x90,
    0x00,
    0x00,
    { at: 'again' },
    // inc word [9000h]; mov bx, [9000h]; mov cx, 4
    0xff,
    0x06,
    0x00,
    0x90,
    0x8b,
    0x1e,
    0x00,
    0x90,
    0xb9,
    0x04,
    0x00,
    { at: 'digit' },
    // rol bx, 4; mov al, bl; and al, 0fh; add al, 'A'; call putc; loop digit
    0xc1,
    0xc3,
    0x04,
    0x88,
    0xd8,
    0x24,
    0x0f,
    0x04,
    0x41,
    0xe8,
    { far: 'putc' },
    0xe2,
    { near: 'digit' },
    0xb0,
    0x0a,
    0xe8,
    { far: 'putc' },
    // mov ecx, 400000h; dec ecx; jnz
    0x66,
    0xb9,
    0x00,
    0x00,
    0x40,
    0x00,
    { at: 'delay' } as const,
    0x66,
    0x49,
    0x75,
    { near: 'delay' } as const,
    0xeb,
    { near: 'again' },
    ...PUTC,
  ]);
}

/** A guest that overwrites its own disk from the second sector on through the BIOS until that fails; then it prints
 *  `!` and hangs. */
export function writingGuest(): Buffer {
  return assembled([
    ...SETUP,
    0xfb,
    { at: 'again' },
    // mov ah, 43h; xor al, al; mov dl, 80h; mov si, packet; int 13h; jc halt
    0xb4,
    0x43,
    0x30,
    0xc0,
    0xb2,
    0x80,
    0xbe,
    { address: 'packet' },
    0xcd,
    0x13,
    0x72,
    { near: 'refused' },
    // add word [sector], 8; jmp again
    0x83,
    0x06,
    { address: 'sector' },
    0x08,
    0xeb,
    { near: 'again' },
    { at: 'refused' },
    0xb0,
    0x21,
    0xe8,
    { far: 'putc' },
    ...HALT,
    ...PUTC,
    // Disk address packet of 16 bytes: 8 sectors, source address, first sector.
    { at: 'packet' },
    16,
    0,
    8,
    0,
    0x00,
    0x7c,
    0,
    0,
    { at: 'sector' },
    1,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
  ]);
}

/** A guest that prints a text on its screen and its serial port, then each key that it receives on both. */
export function echoingGuest(text: string): Buffer {
  // Character in al: call putc; mov ah, 0eh; int 10h
  const show: Part[] = [0xe8, { far: 'putc' }, 0xb4, 0x0e, 0xcd, 0x10];
  return assembled([
    ...SETUP,
    0xfb,
    ...[...Buffer.from(text, 'latin1')].flatMap((byte): Part[] => [0xb0, byte, ...show]),
    { at: 'next' },
    // xor ah, ah; int 16h
    0x30,
    0xe4,
    0xcd,
    0x16,
    ...show,
    0xeb,
    { near: 'next' },
    ...PUTC,
  ]);
}

/** Returns the number in a line of the counting guest. */
export function numberOf(line: string): number {
  return [...line].reduce((sum, letter) => sum * 16 + letter.charCodeAt(0) - 65, 0);
}

/** Writes a guest as a disk. */
export function diskOf(directory: string, guest: Buffer, name = 'disk.raw'): string {
  const path = join(directory, name);
  writeFileSync(path, Buffer.concat([guest, Buffer.alloc(1024 * 1024 - guest.length)]));
  return path;
}
