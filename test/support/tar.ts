import { packTar } from 'modern-tar';

export interface RawMember {
  readonly name: string;
  readonly bytes?: Uint8Array | string;
  readonly type?: 'file' | 'symlink' | 'link' | 'directory' | 'fifo';
  readonly linkname?: string;
  readonly mode?: number;
}

/** Writes any tar, with a fixed time. */
export async function tarOf(members: readonly RawMember[]): Promise<Buffer> {
  const packed = await packTar(
    members.map(({ bytes = '', ...header }) => {
      const body = Buffer.from(bytes);
      return { header: { ...header, size: body.length, mtime: new Date(0) }, body };
    }),
  );
  return Buffer.from(packed);
}
