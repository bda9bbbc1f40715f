/** Deepest level of a drawn tree. A deeper subtree is drawn after it, from the left margin: with indentation for every
 *  level, a chain of n packages would be n² characters long. */
export const MAX_DEPTH = 100;

/** Marks a package whose dependencies are drawn in a tree after this one. */
export const BELOW = ' (below)';
