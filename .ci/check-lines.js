// Checks what the formatter does not: no line over 120 columns, no source or test file over 320 lines.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const MAX_COLUMNS = 120;
const MAX_LINES = 320;

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const faults = [];
for (const path of execFileSync('git', ['ls-files'], { encoding: 'utf8' }).split('\n')) {
  const isText = /\.(ts|mjs|js|md)$/.test(path) || path === '.ci/run';
  if (!isText || !existsSync(path)) continue;
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  if (/^(src|test)\/.*\.ts$/.test(path) && lines.length > MAX_LINES)
    faults.push(`${path}: ${lines.length} lines, at most ${MAX_LINES}`);
  // Rows of tables, indented code, printed output and regular expressions cannot be wrapped.
  let isOutput = false;
  for (const [at, line] of lines.entries()) {
    if (path.endsWith('.md') && line.startsWith('```')) isOutput = line === '```console';
    const isMarkdown = path.endsWith('.md') && (line.startsWith('|') || line.startsWith('    ') || isOutput);
    const cannotWrap = isMarkdown || /^ *\/\^.*\/[a-z]*[,;.]?(exec\()?$/.test(line);
    if (line.length > MAX_COLUMNS && !cannotWrap)
      faults.push(`${path}:${at + 1}: ${line.length} columns, at most ${MAX_COLUMNS}`);
  }
}
if (faults.length > 0) {
  process.stderr.write(`${faults.join('\n')}\n`);
  process.exitCode = 1;
}
