#!/usr/bin/env node
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major > 20 || (major === 20 && minor >= 19)) {
  const { runProcess } = await import('../dist/program/main.js');
  void runProcess(process);
} else {
  console.error(`error: cygstrap needs Node.js 20.19 or later; this is ${process.versions.node}`);
  process.exitCode = 2;
}
