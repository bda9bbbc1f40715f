import { expect, test } from 'vitest';
import { exitHint } from '../../../src/api/vm-run.ts';

test('exit codes of Cygwin for failed Windows programs', () => {
  const hint = (code: number): string | undefined => exitHint({ code }, { guest: 'windows-11' });
  expect(hint(139)).toBe('if it is a Windows program, it ended by 0xC0000005: access violation');
  expect(hint(127)).toMatch(/^the command was not found, or .*0xC0000135 a DLL is missing/);
  for (const code of [0, 1, 125, 126, 137]) expect(hint(code)).toBeUndefined();
  expect(exitHint({ code: 127 }, { guest: 'stand-in' })).toMatch(/^the stand-in is a small Linux/);
  expect(exitHint({ code: 139 }, { guest: 'stand-in' })).toBeUndefined();
});
