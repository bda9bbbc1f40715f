import { textOf } from '../json/shape.ts';

/** A name, version or label: at least one character, no control character and no line end. */
export const label = textOf(/^[^\p{Cc}\p{Surrogate}\u2028\u2029]+$/u, 'some text without control characters');

/** Matches `MAJOR.MINOR.BUILD` or `MAJOR.MINOR`, as Windows numbers its versions. */
export const WINDOWS_VERSION = /^\d{1,5}\.\d{1,5}(\.\d{1,9})?$/;

export const windows = textOf(WINDOWS_VERSION, 'a version of Windows like 10.0.19045');

/** An architecture as in the paths of a mirror: `x86_64`, `x86`. */
export const arch = textOf(/^[a-z0-9_]+$/, 'an architecture like x86_64');
