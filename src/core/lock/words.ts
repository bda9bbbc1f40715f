import { textOf } from '../json/shape.ts';

/** A name, version or label: some text on one line that a terminal can show. */
export const word = textOf(/^[^\p{Cc}\p{Surrogate}\u2028\u2029]+$/u, 'some text without control characters');

/** `major.minor.build` as Windows numbers itself; the build may be left out. */
export const windows = textOf(/^\d{1,5}\.\d{1,5}(\.\d{1,9})?$/, 'a version of Windows like 10.0.19045');

/** An architecture as it stands in paths of a mirror: `x86_64`, `x86`. */
export const arch = textOf(/^[a-z0-9_]+$/, 'an architecture like x86_64');
