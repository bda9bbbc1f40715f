const SECTOR_BYTES = 512;
const LOADED_AT = 0x7c00;

/** The port of QEMU's `isa-debug-exit`; QEMU exits with EXIT_CODE after the guest writes EXIT_VALUE there. */
export const EXIT_PORT = 0xf4;
const EXIT_VALUE = 21;
export const EXIT_CODE = EXIT_VALUE * 2 + 1;

/** Returns a guest of one sector that switches to protected mode, counts down from `rounds`, and ends QEMU with
 *  EXIT_CODE. A broken accelerator needs minutes for that, or never gets there. */
export function countingBootSector(rounds: number): Buffer {
  const sector = Buffer.alloc(SECTOR_BYTES);
  const table = 0x40;
  const pointer = table + 16;
  const real = [
    0xfa, // cli
    0x31,
    0xc0, // xor ax, ax
    0x8e,
    0xd8, // mov ds, ax
    0x0f,
    0x01,
    0x16,
    ...word(LOADED_AT + pointer), // lgdt [pointer]
    0x0f,
    0x20,
    0xc0, // mov eax, cr0
    0x0c,
    0x01, // or al, 1
    0x0f,
    0x22,
    0xc0, // mov cr0, eax
  ];
  const start = real.length + 5;
  const code = [
    ...real,
    0xea,
    ...word(LOADED_AT + start),
    ...word(8), // jmp 8:start
    0xb9,
    ...word(rounds & 0xffff),
    ...word(rounds >>> 16), // start: mov ecx, rounds
    0x49, // again: dec ecx
    0x75,
    0xfd, // jnz again
    0xb0,
    EXIT_VALUE, // mov al, EXIT_VALUE
    0xe6,
    EXIT_PORT, // out EXIT_PORT, al
    0xf4, // end: hlt
    0xeb,
    0xfd, // jmp end
  ];
  sector.set(code, 0);
  // Descriptor table: an empty entry, and all memory as 32-bit code; then its length and address.
  sector.set([0xff, 0xff, 0, 0, 0, 0x9a, 0xcf, 0], table + 8);
  sector.set([...word(15), ...word(LOADED_AT + table), ...word(0)], pointer);
  sector.set([0x55, 0xaa], SECTOR_BYTES - 2);
  return sector;
}

function word(value: number): [number, number] {
  return [value & 0xff, (value >>> 8) & 0xff];
}
