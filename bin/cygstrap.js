#!/usr/bin/env node
import { existsSync } from 'node:fs';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const program = new URL('../dist/program/main.js', import.meta.url);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`error: cygstrap needs Node.js 20.19 or later; this is ${process.versions.node}`);
  process.exitCode = 2;
} else if (!existsSync(program)) {
  console.error('error: this checkout of cygstrap is not built\nhint: run `npm ci && npm run build` in it');
  process.exitCode = 2;
} else {
  const { runProcess } = await import(program.href);
  void runProcess(process);
}
