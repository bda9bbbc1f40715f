/** Forms of an index file in the order in which setup requests them; setup uses the first that exists.
 *  Source: cygwin-setup ini.cc, fromcwd.cc @ 09e4f16. */
export const INDEX_FORMS = ['zst', 'xz', 'bz2', 'ini'] as const;

export type IndexForm = (typeof INDEX_FORMS)[number];
