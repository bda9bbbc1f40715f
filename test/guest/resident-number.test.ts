import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { inSequence } from '../../src/guest/kind.ts';
import { RESIDENT_NUMBER } from '../../src/guest/resident-number.ts';
import { quoteCommand } from '../../src/io/quoting.ts';

const { storeNumber, readNumber } = RESIDENT_NUMBER;

test.each([[['bash']], [['dash']], [['busybox', 'sh']]])('a number stays in the memory of a process: %j', (shell) => {
  // One shell for each ssh connection. All processes of a namespace end with its first one.
  const store = storeNumber('140737488355327');
  // Two processes have the number when the first has just forked; here since it is stored twice.
  const connections = [readNumber, inSequence([store, readNumber]), inSequence([store, readNumber])];
  const lines = connections.map((line) => quoteCommand([...shell, '-c', line]));
  const words = ['-Urpf', '--mount-proc', ...shell, '-c', lines.join('; ')];
  const printed = execFileSync('unshare', words, { encoding: 'utf8', timeout: 60_000 });
  expect(printed).toBe('140737488355327\n140737488355327\n');
});
