/** Returns the path of a member of an archive by its name: without `/` or `./` at the beginning and `/` at the end; not
 *  validated. Returns undefined for the directory of all members, `./`. */
export function memberPath(name: string): string | undefined {
  const path = name.replace(/^(?:\.?\/+)+/, '').replace(/\/+$/, '');
  return path === '' || path === '.' ? undefined : path;
}
