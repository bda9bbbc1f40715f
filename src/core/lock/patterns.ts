import { textOf } from '../json/shape.ts';
import { WINDOWS_VERSION } from '../windows/kinds.ts';

/** A name, version or label: at least one character, no control character and no line end. */
export const label = textOf(/^[^\p{Cc}\p{Surrogate}\u2028\u2029]+$/u, 'some text without control characters');

export const windows = textOf(WINDOWS_VERSION, 'a version of Windows like 10.0.19045');

/** An architecture as in the paths of a mirror: `x86_64`, `x86`. */
export const arch = textOf(/^[a-z0-9_]+$/, 'an architecture like x86_64');
