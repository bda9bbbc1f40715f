/** PCI slots by kind of device: a device keeps its place when one of another kind is added, so that Windows does not take it for a
 *  new one. Slot 0 is the chipset's on both families, 1 on `pc`, 31 on `q35`. */
export const SLOTS = {
  vga: { first: 0x02, count: 1 },
  nic: { first: 0x03, count: 6 },
  ahci: { first: 0x09, count: 1 },
  xhci: { first: 0x0a, count: 1 },
  virtioDisk: { first: 0x10, count: 8 },
  share: { first: 0x18, count: 6 },
} as const;

/** The `addr` of the device of its kind with this index. */
export function slotOf(kind: keyof typeof SLOTS, index = 0): string {
  return `0x${(SLOTS[kind].first + index).toString(16)}`;
}
