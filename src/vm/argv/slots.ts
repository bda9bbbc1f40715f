/** PCI slots by kind of device. A device keeps its slot when devices of other kinds are added; Windows would treat
 *  a moved device as new. The chipset uses slot 0 on both families, 1 on `pc`, 31 on `q35`. */
export const SLOTS = {
  vga: { first: 0x02, count: 1 },
  nic: { first: 0x03, count: 6 },
  ahci: { first: 0x09, count: 1 },
  xhci: { first: 0x0a, count: 1 },
  virtioDisk: { first: 0x10, count: 8 },
  share: { first: 0x18, count: 6 },
} as const;

/** Returns the PCI address (`addr`) of the device of a kind with this index. */
export function slotOf(kind: keyof typeof SLOTS, index = 0): string {
  return `0x${(SLOTS[kind].first + index).toString(16)}`;
}
