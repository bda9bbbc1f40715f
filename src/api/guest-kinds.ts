import { CygstrapError } from '../errors.ts';
import type { GuestKind } from '../guest/kind.ts';
import { standIn } from '../guest/stand-in/kind.ts';
import { WINDOWS_GUESTS } from '../guest/windows/kinds.ts';
import { windowsHint } from './windows-hint.ts';

const GUEST_KINDS: readonly GuestKind[] = [standIn, ...WINDOWS_GUESTS];

/** Returns a guest kind by its name. Throws `usage` for an unknown name. */
export function guestKind(name: string): GuestKind {
  const kind = GUEST_KINDS.find((each) => each.name === name);
  if (kind !== undefined) return kind;
  throw new CygstrapError('usage', `unknown guest kind \`${name}\``, {
    hint: windowsHint(
      name,
      GUEST_KINDS.map((each) => each.name),
    ),
  });
}
