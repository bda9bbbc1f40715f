/** A partition that can hold a system: NTFS or FAT by the type in the table, which says nothing of its content. */
export interface Partition {
  readonly startBytes: number;
  readonly sizeBytes: number;
}

const SECTOR_BYTES = 512;

/** Bytes at the start of a disk that contain its partition table. */
export const TABLE_BYTES = 34 * SECTOR_BYTES;

/** Type of partitions for the data of Windows in a GPT, as stored: EBD0A0A2-B9E5-4433-87C0-68B6B72699C7. */
const BASIC_DATA = 'a2a0d0ebe5b9334487c068b6b72699c7';

/** Types in an MBR: NTFS, and a whole disk with a GPT. */
const MBR_NTFS = 0x07;
const MBR_GPT = 0xee;

/** Returns the partitions for data of Windows: those of type Basic Data in a GPT, of type 07 in an MBR; not those in
 *  extended partitions, which Setup does not make. Returns none for a disk without a table. Pure.
 *  @param head the first {@link TABLE_BYTES} of the disk
 *  Source: UEFI specification 2.10, chapter 5. */
export function windowsPartitions(head: Buffer): Partition[] {
  if (head.length < TABLE_BYTES || head.readUInt16LE(510) !== 0xaa55) return [];
  const records = [0, 1, 2, 3].map((i) => head.subarray(446 + 16 * i, 462 + 16 * i));
  if (records.some((record) => record[4] === MBR_GPT)) return gptPartitions(head);
  return records
    .filter((record) => record[4] === MBR_NTFS)
    .map((record) => ({
      startBytes: record.readUInt32LE(8) * SECTOR_BYTES,
      sizeBytes: record.readUInt32LE(12) * SECTOR_BYTES,
    }));
}

function gptPartitions(head: Buffer): Partition[] {
  if (head.toString('latin1', 512, 520) !== 'EFI PART') return [];
  const [tableSector, count, entryBytes] = [
    Number(head.readBigUInt64LE(512 + 72)),
    head.readUInt32LE(512 + 80),
    head.readUInt32LE(512 + 84),
  ];
  if (entryBytes < 128) return [];
  const found: Partition[] = [];
  for (let i = 0; i < count; i++) {
    const at = tableSector * SECTOR_BYTES + i * entryBytes;
    if (at + 128 > head.length) break;
    if (head.toString('hex', at, at + 16) !== BASIC_DATA) continue;
    const [first, last] = [Number(head.readBigUInt64LE(at + 32)), Number(head.readBigUInt64LE(at + 40))];
    if (last >= first) found.push({ startBytes: first * SECTOR_BYTES, sizeBytes: (last - first + 1) * SECTOR_BYTES });
  }
  return found;
}
