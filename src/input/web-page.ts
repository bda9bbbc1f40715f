import { decode } from './decode.ts';
import { DecodeFault } from './input-error.ts';
import { foreignText, sniffCompression } from './sniff.ts';

/** Largest text that is decoded to look at its beginning, in bytes. */
const MAX_PAGE_BYTES = 1024 * 1024;

/** Returns whether bytes are a web page, compressed or not. Damaged bytes are none. */
export async function isWebPage(bytes: Uint8Array): Promise<boolean> {
  const compression = sniffCompression(bytes);
  if (compression === 'none') return foreignText(bytes) === 'web page';
  try {
    for await (const chunk of decode(compression, bytes, MAX_PAGE_BYTES)) return foreignText(chunk) === 'web page';
  } catch (error) {
    if (!(error instanceof DecodeFault)) throw error;
  }
  return false;
}
