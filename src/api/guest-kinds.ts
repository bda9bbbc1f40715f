import { CygstrapError } from '../errors.ts';
import type { GuestKind } from '../guest/kind.ts';
import { standIn } from '../guest/stand-in/kind.ts';

const GUEST_KINDS: readonly GuestKind[] = [standIn];

/** Finds a kind of guest by its name. Throws `usage`. */
export function guestKind(name: string): GuestKind {
  const kind = GUEST_KINDS.find((each) => each.name === name);
  if (kind !== undefined) return kind;
  throw new CygstrapError('usage', `no kind of guest is named \`${name}\``, {
    hint: `there is ${GUEST_KINDS.map((each) => `\`${each.name}\``).join(', ')}`,
  });
}
