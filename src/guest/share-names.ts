/** How the SMB client of a guest stores names of files that Windows does not allow. Pure functions. */
export interface ShareNames {
  /** Returns the name that is stored for a name in the guest, or undefined if the guest would see another name. */
  readonly storedName: (name: string) => string | undefined;
  /** Returns the name in the guest of a stored name, or undefined if that is not a name of a file. */
  readonly guestName: (stored: string) => string | undefined;
}

/** Characters that file names of Windows cannot contain, and the private-use characters that are stored for them.
 *  Source: fs/smb/client/cifs_unicode.h of Linux, SFM. */
const STORED: ReadonlyMap<string, string> = new Map([
  ...Array.from({ length: 0x1f }, (_, i) => [String.fromCharCode(i + 1), String.fromCharCode(0xf001 + i)] as const),
  ['"', '\uf020'],
  ['*', '\uf021'],
  [':', '\uf022'],
  ['<', '\uf023'],
  ['>', '\uf024'],
  ['?', '\uf025'],
  ['|', '\uf027'],
]);

/** Stored for a blank or a dot at the end of a name, which Windows drops. */
const LAST: ReadonlyMap<string, string> = new Map([
  [' ', '\uf028'],
  ['.', '\uf029'],
]);

const ORIGINAL = new Map([...STORED, ...LAST].map(([char, stored]) => [stored, char]));

/** The mapping "Services for Mac", which the cifs of Linux uses by default (`mapposix`). A name in a share that has one
 *  of its private-use characters is read as the name with the original character. */
export const SFM_NAMES: ShareNames = {
  storedName(name) {
    // SMB has no name for a file with a backslash.
    if (Array.from(name).some((char) => char === '\\' || ORIGINAL.has(char))) return undefined;
    const inner = Array.from(name, (char) => STORED.get(char) ?? char).join('');
    const last = LAST.get(inner.at(-1) ?? '');
    return last === undefined ? inner : inner.slice(0, -1) + last;
  },
  guestName(stored) {
    const name = Array.from(stored, (char) => ORIGINAL.get(char) ?? char).join('');
    // A manipulated client can store these.
    return name === '.' || name === '..' ? undefined : name;
  },
};
