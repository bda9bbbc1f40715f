import { resolve } from 'node:path';
import { CygstrapError } from '../errors.ts';
import type { Lock } from '../core/lock/lock.ts';
import { lastSetup } from '../core/windows/ceilings.ts';
import { windowsTarget } from '../core/windows/kinds.ts';
import type { WindowsKind } from '../core/windows/kinds.ts';
import { GUEST_PACKAGES } from '../guest/cygwin/medium.ts';
import { placesOf } from '../repo/files/layout.ts';
import { installerPaths } from '../repo/files/path.ts';
import { layoutOf } from '../repo/repo.ts';
import { installerOf } from './media-installer.ts';

/** Throws `lock` if a lock lacks packages that a guest with Windows needs to be used by ssh. */
export function requireGuestPackages({ request, packages }: Pick<Lock, 'request' | 'packages'>): void {
  const names = new Set(packages.map(({ name }) => name));
  const missing = GUEST_PACKAGES.filter((name) => !names.has(name));
  if (missing.length === 0) return;
  const wanted = [...new Set([...request.packages, ...missing])].join(' ');
  throw new CygstrapError('lock', `the lock lacks packages that Windows needs as a guest: ${missing.join(', ')}`, {
    hint: `make the lock again with them: \`cygstrap fetch ${wanted}\`, with the other options as before`,
    details: { missing },
  });
}

export interface SetupProgramRequest {
  readonly kind: WindowsKind;
  /** Directory of the repo. */
  readonly repo: string;
  readonly arch: string;
  /** Paths of the further files on the repo medium. */
  readonly added: readonly string[];
  readonly keyring: readonly string[];
}

/** Throws if the repo medium will have no setup program that runs on a Windows: `repo`, or `windows` if the current one
 *  does not run there, and what reading the one of the repo throws. */
export async function requireSetupProgram({ kind, repo, arch, added, keyring }: SetupProgramRequest): Promise<void> {
  const { program } = installerPaths(arch);
  if (added.includes(program)) return;
  const target = windowsTarget(kind);
  const last = lastSetup(target);
  if (last !== undefined) {
    throw new CygstrapError('windows', `the current setup program does not run on ${target.name}`, {
      hint: `download setup ${last} from https://cygwin.com/setup/, and name it with \`--add FILE=${program}\``,
    });
  }
  const root = resolve(repo);
  if ((await installerOf(placesOf(root, layoutOf(root)), arch, keyring)) !== undefined) return;
  throw new CygstrapError('repo', `\`${repo}\` does not have the setup program, which installs Cygwin on Windows`, {
    hint: 'fetch it with `cygstrap fetch --frozen --installer`',
  });
}
