import { CHOICES } from '../../api/defaults.ts';
import { choice } from './declare.ts';
import type { Option } from './declare.ts';

/** What other systems call these architectures. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  x64: 'x86_64',
  amd64: 'x86_64',
  'x86-64': 'x86_64',
  i386: 'x86',
  i686: 'x86',
  arm64: 'aarch64',
};

/** Declares an option for one of the architectures that setup knows. */
export function architecture(help: string): Option<string | undefined> {
  return choice<string>(CHOICES.architectures, help, OTHER_NAMES);
}
