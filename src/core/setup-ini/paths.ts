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

/** Returns the faults of an archive path as phrases that follow "the path", in a fixed order. Without faults, the path
 *  joined to any directory or site, on any system, names a file below it. */
export function pathFaults(path: string): string[] {
  if (PLAIN.test(path) && !MAYBE_DEVICE.test(path)) return [];
  const whole = WHOLE.filter(([fault]) => fault.test(path));
  const parts = path === '' ? [] : path.replace(/^\//, '').split(/[/\\]/);
  const inParts = PART.filter(([fault]) => parts.some((part) => fault.test(part)));
  return [...whole, ...inParts].map(([, phrase]) => phrase);
}
