import { show } from '../diagnostics.ts';
import type { Token } from './tokens.ts';

/** Describes an unexpected token for a message, as a phrase that follows "found". */
export function describe(token: Token): string {
  switch (token.kind) {
    case 'newline':
      return 'the end of the line';
    case 'end':
      return 'the end of the file';
    case 'key':
      return `the key ${show(token.text)}`;
    case 'label':
      return `the label ${show(`[${token.text}]`)}`;
    case 'digest':
      return `the digest ${show(token.text)}`;
    case 'stray':
      return describeStray(token);
    case 'word':
      return /^[A-Za-z-]+:./.test(token.text)
        ? `${show(token.text)} without a blank after the colon`
        : show(token.text);
    case 'operator':
    case 'mark':
      return show(token.text);
    default:
      return token.kind satisfies never;
  }
}

function describeStray(token: Token): string {
  const code = token.text.charCodeAt(0);
  if (token.text === '"') return 'an unterminated quote';
  if (token.text === '#' && token.column === 1) return 'a comment without a line end';
  if (code === 0) return 'a NUL byte';
  return code < 32 || code > 126 ? `the byte 0x${code.toString(16).padStart(2, '0')} outside quotes` : show(token.text);
}
