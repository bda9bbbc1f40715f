import { WINDOWS_KIND_NAMES, windowsMeant } from '../core/windows/kinds.ts';
import { didYouMean } from '../similar.ts';

/** Returns the hint for a text that should be the name of a kind of Windows, or one of `names`. A kind with another
 *  number is not similar. */
export function windowsHint(text: string, names: readonly string[] = WINDOWS_KIND_NAMES): string {
  const sameNumber = names.filter((name) => digitsOf(name) === digitsOf(text));
  const near = windowsMeant(text) ?? didYouMean(text, sameNumber)[0];
  return near === undefined ? `the kinds are ${names.join(', ')}` : `did you mean \`${near}\`?`;
}

function digitsOf(text: string): string {
  return text.replaceAll(/\D/g, '');
}
