/** One line of a mirrors.lst. */
export interface MirrorEntry {
  /** Ends in a slash; any scheme. */
  readonly url: string;
  readonly host: string;
  /** Such as `Europe`; empty if the line has none, as the country. */
  readonly region: string;
  readonly country: string;
  /** False: the list keeps it for those who use it already, and setup offers it to nobody else (`noshow`). */
  readonly isOffered: boolean;
}

/** A line that is no mirror. */
export interface MirrorListFault {
  /** Counts from 1. */
  readonly line: number;
  readonly message: string;
}

export interface MirrorList {
  /** In the order of the list. */
  readonly mirrors: readonly MirrorEntry[];
  readonly faults: readonly MirrorListFault[];
}

/** Parses a mirrors.lst: `url;host;region;country` a line, perhaps with more fields behind. Blank lines and lines that
 *  begin with `#` are passed over; a missing host is taken from the URL; a URL given twice counts once. Never throws:
 *  what is no mirror is a fault, and the rest still counts. Setup passes over lines with less than four fields, and
 *  over schemes it does not speak; here they count. Source: cygwin-setup site.cc@00c4ebf, load_site_list and
 *  site_list_type: a fifth field that begins with `noshow`; every URL is made to end in a slash. */
export function parseMirrorList(text: string): MirrorList {
  const mirrors = new Map<string, MirrorEntry>();
  const faults: MirrorListFault[] = [];
  text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .forEach((row, at) => {
      const line = row.trim();
      if (line === '' || line.startsWith('#')) return;
      const [address = '', host = '', region = '', country = '', flag = ''] = line
        .split(';')
        .map((field) => field.trim());
      if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(address) || !URL.canParse(address)) {
        faults.push({ line: at + 1, message: `not the URL of a mirror: \`${address.slice(0, 80)}\`` });
        return;
      }
      const url = address.replace(/\/?$/, '/');
      if (mirrors.has(url)) return;
      mirrors.set(url, {
        url,
        host: host === '' ? new URL(url).host : host,
        region,
        country,
        isOffered: !flag.startsWith('noshow'),
      });
    });
  return { mirrors: [...mirrors.values()], faults };
}
