import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CYGCHECK } from '../../../src/guest/stand-in/records.ts';
import { parseOptions, runSetup } from './cygwin-setup.ts';

// The counterfeit setup as a program of this computer: its paths are those of this computer. SETUP_VARIANT has words of
// `SetupComputer.variant`, `script-fails`, `no-start` for a program that ends at once, and `ends-with-1` for the exit
// code of a failure after a complete installation.

const variant = process.env['SETUP_VARIANT'] ?? '';
if (variant.includes('no-start')) process.exit(0);
const words = process.argv.slice(2);
const root = parseOptions(words).get('root') ?? '';
process.exitCode = runSetup(words, {
  arch: 'x86_64',
  resolve: (path) => path,
  enter: () => {},
  runScript: () => ({ code: variant.includes('script-fails') ? 3 : 0, output: '' }),
  variant,
});
// That of the release needs the mount points of Cygwin.
const cygcheck = join(root, 'bin/cygcheck');
rmSync(cygcheck, { force: true });
writeFileSync(cygcheck, CYGCHECK);
chmodSync(cygcheck, 0o755);
if (variant.includes('ends-with-1')) process.exitCode = 1;
