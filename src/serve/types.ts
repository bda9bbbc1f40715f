const TEXT = 'text/plain; charset=utf-8';

const TYPES: Readonly<Record<string, string>> = {
  ini: TEXT,
  hint: TEXT,
  txt: TEXT,
  lst: TEXT,
  sum: TEXT,
  json: 'application/json',
  xz: 'application/x-xz',
  zst: 'application/zstd',
  bz2: 'application/x-bzip2',
  gz: 'application/gzip',
  tar: 'application/x-tar',
  sig: 'application/octet-stream',
  exe: 'application/vnd.microsoft.portable-executable',
  iso: 'application/vnd.efi.iso',
};

/** Returns the media type of a file by its name. HTML files get a binary type, so that no browser runs them as pages
 *  of this server. */
export function contentType(name: string): string {
  const dot = name.lastIndexOf('.');
  return (dot < 0 ? undefined : TYPES[name.slice(dot + 1).toLowerCase()]) ?? 'application/octet-stream';
}
