/** One line of a mirrors.lst. */
export interface MirrorEntry {
  /** Ends in a slash; of any scheme. */
  readonly url: string;
  readonly host: string;
  /** For example `Europe`; empty if missing, like the country. */
  readonly region: string;
  readonly country: string;
  /** False for mirrors that the list reserves for their existing users (`noshow`). */
  readonly isOffered: boolean;
}

/** A line that cannot be read, or a last line that may be cut. */
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

/** Controls other than tab, format characters, and U+FFFD, which replaces invalid UTF-8. */
const UNREADABLE = /(?!\t)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\ufffd]/u;

/** Parses a mirrors.lst: `url;host;region;country` per line, optionally with more fields. Skips blank lines and lines
 *  that start with `#`. A missing host is taken from the URL; a repeated URL counts once. Never throws: an invalid
 *  line is a fault, and so is a mirror without a line end, where the list may be cut. Setup ignores lines with fewer
 *  than four fields and unsupported schemes; this function returns them.
 *  Source: cygwin-setup site.cc@00c4ebf, load_site_list and site_list_type: a fifth field that starts with `noshow`;
 *  a slash is appended to every URL. */
export function parseMirrorList(text: string): MirrorList {
  const mirrors = new Map<string, MirrorEntry>();
  const faults: MirrorListFault[] = [];
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/);
  lines.forEach((row, at) => {
    const line = row.trim();
    if (line === '' || line.startsWith('#')) return;
    if (UNREADABLE.test(line)) {
      faults.push({ line: at + 1, message: 'not text: it has control characters or is not UTF-8' });
      return;
    }
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
    if (at === lines.length - 1)
      faults.push({ line: at + 1, message: 'without a line end: the list may be cut there' });
  });
  return { mirrors: [...mirrors.values()], faults };
}
