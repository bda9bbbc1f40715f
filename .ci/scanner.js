// Compiles the scanner, which is AssemblyScript, and puts it into a module as text: `npm run scanner` after each change of it;
// with `--check` it only says whether that was done. The compiler comes from the registry when it is asked for, since it is larger
// than all else together and nobody else needs it.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const COMPILER = 'assemblyscript@0.28.20';
/** Of 64 KiB: the tables and the window of the source. */
const PAGES = '91';

const source = fileURLToPath(new URL('../src/core/setup-ini/parser/scan.as', import.meta.url));
const module = fileURLToPath(new URL('../src/core/setup-ini/parser/scan-code.ts', import.meta.url));

const dir = mkdtempSync(join(tmpdir(), 'cygstrap-scanner-'));
try {
  const code = join(dir, 'scan.wasm');
  const options = ['-O3', '--runtime', 'stub', '--noAssert', '--initialMemory', PAGES, '--maximumMemory', PAGES];
  copyFileSync(source, join(dir, 'scan.ts'));
  execFileSync('npx', ['-y', '-p', COMPILER, 'asc', 'scan.ts', '-o', code, ...options], {
    cwd: dir,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const text = `// Made by \`npm run scanner\` from scan.as with ${COMPILER}.

/** SHA-256 of that source. */
export const SCAN_SOURCE_SHA256 = '${createHash('sha256').update(readFileSync(source)).digest('hex')}';

/** The scanner as WebAssembly, in base64. */
export const SCAN_CODE =
${readFileSync(code)
  .toString('base64')
  .match(/.{1,118}/g)
  ?.map((line) => `  '${line}'`)
  .join(' +\n')};
`;
  if (!process.argv.includes('--check')) writeFileSync(module, text);
  else if (readFileSync(module, 'utf8') !== text)
    throw new Error(`${module} is not what its source makes: run \`npm run scanner\``);
} finally {
  rmSync(dir, { recursive: true, force: true });
}
