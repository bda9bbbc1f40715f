/** Windows device names; a file of that name with any extension refers to the device. */
const DEVICE = /^(?:con|prn|aux|nul|conin\$|conout\$|clock\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3])[ .]*(?:$|\.)/i;

/** Faults of a whole path, and of one part between slashes, each with its phrase. */
const WHOLE: readonly (readonly [RegExp, string])[] = [
  [/^$/, 'is empty'],
  [/^\//, 'is absolute'],
  [/^[A-Za-z]:/, 'has a drive letter'],
  [/\\/, 'has a backslash'],
  [/[\p{Cc}\p{Cf}\p{Surrogate}\u2028\u2029]/u, 'has a control character'],
  [/[<>:"|?*]/, 'has a character Windows does not allow in names'],
  [/[#%?]/, 'has a character with a meaning in a URL'],
];
const PART: readonly (readonly [RegExp, string])[] = [
  [/^(?:\.|%2e)(?:\.|%2e)$/i, 'leaves its directory with `..`'],
  [/^(?:\.|%2e)$/i, 'has a `.` part'],
  [/^$/, 'has an empty part'],
  [/^ |^(?!\.\.?$).*[. ]$/s, 'has a part with a dot or a blank at its edge'],
  [DEVICE, 'has the name of a Windows device'],
];

/** Usual paths: parts of plain characters with dots only inside. Their only possible fault is a device name. */
const PLAIN = /^[\w+~-]+(?:\.+[\w+~-]+)*(?:\/[\w+~-]+(?:\.+[\w+~-]+)*)*$/;
const MAYBE_DEVICE = /(?:^|\/)(?:con|prn|aux|nul|clock|com|lpt)/i;

/** The directories of archives at a site: `release/` in 2001 to 2013, later one below each architecture, `noarch` and
 *  `src`. All official indexes of 2009 to 2025 have only such paths. */
const ARCHIVE_DIRECTORY = /^(?:(?:x86|x86_64|aarch64|noarch|src)\/)?release\/./s;

/** Returns the faults of a path as phrases that follow "the path", in a fixed order. Without faults, the path joined to
 *  any directory or site, on any system, names a file below it. */
export function pathFaults(path: string): string[] {
  if (PLAIN.test(path) && !MAYBE_DEVICE.test(path)) return [];
  const whole = WHOLE.filter(([fault]) => fault.test(path));
  const parts = path === '' ? [] : path.replace(/^\//, '').split(/[/\\]/);
  const inParts = PART.filter(([fault]) => parts.some((part) => fault.test(part)));
  return [...whole, ...inParts].map(([, phrase]) => phrase);
}

/** Returns whether a path is below one of the directories of archives. */
export function isInArchiveDirectory(path: string): boolean {
  return ARCHIVE_DIRECTORY.test(path);
}

/** Returns the faults of the path of an archive: those of `pathFaults`, or a place outside of the directories of
 *  archives; and hidden names. A file may be written only at a path without them. */
export function archivePathFaults(path: string): string[] {
  const faults = pathFaults(path);
  if (faults.length === 0 && !isInArchiveDirectory(path)) faults.push('is not below `release/` or `ARCH/release/`');
  // `.` and `..` are reported as such.
  if (/(?:^|\/)\.(?!\.?(?:\/|$))/.test(path)) faults.push('has a part that begins with a dot');
  return faults;
}
