import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GUEST_PACKAGES } from '../../src/guest/cygwin/medium.ts';

/** Makes a site with made-up packages: those that a guest with Windows needs, with the given names and no content.
 *  @returns the options of `cygstrap lock` and `cygstrap fetch` that name it */
export function makeGuestSite(directory: string, names: readonly string[] = GUEST_PACKAGES): readonly string[] {
  const lines = ['release: made', 'arch: x86_64', 'setup-timestamp: 1700000000', ''];
  for (const name of names) {
    const archive = `x86_64/release/${name}/${name}-3.5.4-1.tar.xz`;
    const digest = createHash('sha512').update(name).digest('hex');
    mkdirSync(join(directory, archive, '..'), { recursive: true });
    writeFileSync(join(directory, archive), name);
    lines.push(`@ ${name}`, 'sdesc: "made up"', 'category: Base', 'version: 3.5.4-1');
    lines.push(`install: ${archive} ${name.length} ${digest}`, '');
  }
  writeFileSync(join(directory, 'x86_64', 'setup.ini'), lines.join('\n'));
  return ['--site', directory, '--unsigned'];
}
