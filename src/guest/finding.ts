/** Kinds of differences between the lock and an installation:
 *  - `missing`, `version`, `extra`: a package of the lock is not installed, has another version, or another package is
 *    installed;
 *  - `log`: the log of setup shows a failure;
 *  - `postinstall`: the postinstall script of a package failed;
 *  - `empty`: a program or library is an empty file;
 *  - `incomplete`: files of a package are missing;
 *  - `check`: a check could not be made. */
export const FINDING_KINDS = [
  'missing',
  'version',
  'extra',
  'log',
  'postinstall',
  'check',
  'empty',
  'incomplete',
] as const;

/** A difference between the lock and what is installed. */
export interface Finding {
  readonly kind: (typeof FINDING_KINDS)[number];
  /** A package, a file or a script, without blanks. */
  readonly subject: string;
  /** What was found, in one line. */
  readonly text: string;
}
