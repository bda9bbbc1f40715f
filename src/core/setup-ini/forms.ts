/** The forms of an index in the order in which setup looks for them; the first that exists hides the others.
 *  Source: cygwin-setup ini.cc, fromcwd.cc @ 09e4f16. */
export const INDEX_FORMS = ['zst', 'xz', 'bz2', 'ini'] as const;

export type IndexForm = (typeof INDEX_FORMS)[number];
