// Preloaded into a command by NODE_OPTIONS. Counts the calls that change files or start programs, and ends the process
// with SIGKILL at one of them: before a change of files, directly after a program was started.
import childProcess from 'node:child_process';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const killAtStep = Number(process.env['KILL_AT_STEP'] ?? Infinity);
const delayMs = Number(process.env['KILL_DELAY_MS'] ?? 0);
const countFile = process.env['KILL_COUNT_FILE'];
let steps = 0;

function step() {
  if (++steps !== killAtStep) return;
  if (delayMs === 0) process.kill(process.pid, 'SIGKILL');
  else setTimeout(() => process.kill(process.pid, 'SIGKILL'), delayMs);
}

const CHANGES = ['chmod', 'copyFile', 'cp', 'link', 'mkdir', 'mkdtemp', 'open', 'rename', 'rm', 'symlink', 'utimes'];

for (const name of [...CHANGES, 'writeFile']) {
  const call = /** @type {any} */ (fs.promises)[name];
  /** @type {any} */ (fs.promises)[name] = (/** @type {unknown[]} */ ...args) => {
    step();
    return call(...args);
  };
}
const { spawn } = childProcess;
/** @type {any} */ (childProcess).spawn = (/** @type {Parameters<typeof spawn>} */ ...args) => {
  const child = spawn(...args);
  step();
  return child;
};
syncBuiltinESMExports();
if (countFile !== undefined) process.on('exit', () => fs.writeFileSync(countFile, `${steps}`));
