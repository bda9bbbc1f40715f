import { decode } from './decode.ts';
import { DecodeFault } from './input-error.ts';
import { beginsAsWebPage, sniffCompression } from './sniff.ts';

/** Largest text that is decoded to look at its beginning, in bytes. */
const MAX_PAGE_BYTES = 1024 * 1024;

/** Returns whether bytes are a web page, compressed or not. Damaged bytes are none. */
export async function isWebPage(bytes: Uint8Array): Promise<boolean> {
  const compression = sniffCompression(bytes);
  if (compression === 'none') return beginsAsWebPage(bytes);
  try {
    for await (const chunk of decode(compression, bytes, MAX_PAGE_BYTES)) return beginsAsWebPage(chunk);
  } catch (error) {
    if (!(error instanceof DecodeFault)) throw error;
  }
  return false;
}
