import type { Site } from '../site/base/site.ts';
import { openSite as open } from '../site/open-site.ts';
import { connectionsOf } from './context.ts';
import type { SiteContext } from './context.ts';
import { userAgent } from './version.ts';

/** Opens a site by its address: `https://`, `http://`, `file://` or a directory. Sends no request. The caller must
 *  close it. Throws `usage` for an invalid address or proxy, `io` for an unreadable CA file. */
export function openSite(address: string, context: SiteContext = {}): Site {
  return open(address, { userAgent: userAgent(), ...connectionsOf(context) });
}
