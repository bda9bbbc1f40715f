/** Device names of Windows; a file of that name, with any extension, is the device. */
const DEVICE = /^(?:con|prn|aux|nul|conin\$|conout\$|clock\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3])[ .]*(?:$|\.)/i;

/** What can be wrong with a whole path, and with one part of it between slashes. */
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

/** Nearly every path: parts of plain characters, with dots only inside. Such a path has no fault but perhaps the last. */
const PLAIN = /^[\w+~-]+(?:\.+[\w+~-]+)*(?:\/[\w+~-]+(?:\.+[\w+~-]+)*)*$/;
const MAYBE_DEVICE = /(?:^|\/)(?:con|prn|aux|nul|clock|com|lpt)/i;

/** Tells what is wrong with the path of an archive, as phrases that follow "the path": an empty list means that, joined to
 *  any directory or site on any system, it names something below it. Never throws; the order of the phrases is fixed. */
export function pathFaults(path: string): string[] {
  if (PLAIN.test(path) && !MAYBE_DEVICE.test(path)) return [];
  const whole = WHOLE.filter(([fault]) => fault.test(path));
  const parts = path === '' ? [] : path.replace(/^\//, '').split(/[/\\]/);
  const inParts = PART.filter(([fault]) => parts.some((part) => fault.test(part)));
  return [...whole, ...inParts].map(([, phrase]) => phrase);
}
