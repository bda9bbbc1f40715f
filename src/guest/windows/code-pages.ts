/** Characters of the bytes from 0x80 on. The console programs of Windows write in the OEM code page of their language:
 *  437 in English, 850 in western Europe (858 with the euro sign), 852 in central Europe. Source: the tables CP437.TXT,
 *  CP850.TXT and CP852.TXT of the Unicode Consortium. */
const TABLES = {
  cp437:
    'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐' +
    '└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0',
  cp850:
    'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐' +
    '└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u00ad±‗¾¶§÷¸°¨·¹³²■\u00a0',
  cp852:
    'ÇüéâäůćçłëŐőîŹÄĆÉĹĺôöĽľŚśÖÜŤťŁ×čáíóúĄąŽžĘę¬źČş«»░▒▓│┤ÁÂĚŞ╣║╗╝Żż┐' +
    '└┴┬├─┼Ăă╚╔╩╦╠═╬¤đĐĎËďŇÍÎě┘┌█▄ŢŮ▀ÓßÔŃńňŠšŔÚŕŰýÝţ´\u00ad˝˛ˇ˘§÷¸°¨˙űŘř■\u00a0',
};

const OEM_CODE_PAGES: ReadonlyMap<string, string> = new Map(
  Object.entries({ ...TABLES, cp858: TABLES.cp850.replace('ı', '€') }),
);

/** Names that Windows users know, for encodings of `TextDecoder`. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['cp874', 'windows-874'],
  ['cp932', 'shift_jis'],
  ['cp936', 'gbk'],
  ['cp949', 'euc-kr'],
  ['cp950', 'big5'],
]);

/** Decodes one stream of output, piece by piece. */
export interface OutputDecoder {
  readonly decode: (bytes: Uint8Array) => string;
  /** Returns the rest at the end of the stream; U+FFFD for an incomplete character. */
  readonly end: () => string;
}

/** Returns a decoder for an encoding by its name: OEM code pages 437, 850, 852 and 858 as `cp850`, and all encodings of
 *  the WHATWG standard by their labels, such as `windows-1252`, `cp866` and `utf-16le`. Upper and lower case are the
 *  same. Returns undefined for an unknown name. Pure. */
export function outputDecoder(name: string): OutputDecoder | undefined {
  const label = name.toLowerCase();
  const high = OEM_CODE_PAGES.get(label);
  if (high !== undefined) {
    return {
      decode: (bytes) => Array.from(bytes, (byte) => high[byte - 128] ?? String.fromCharCode(byte)).join(''),
      end: () => '',
    };
  }
  try {
    const decoder = new TextDecoder(ALIASES.get(label) ?? label);
    return { decode: (bytes) => decoder.decode(bytes, { stream: true }), end: () => decoder.decode() };
  } catch {
    return undefined;
  }
}
