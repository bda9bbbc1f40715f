import { spawn } from 'node:child_process';
import { lstatSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { copyTree } from '../../src/stages/copy-tree.ts';

/** Copies a directory again and again while a program changes its files. Fails if a copy has bytes of two moments, a
 *  temporary name, or the content behind a link. Returns how many files were copied and how many were reported.
 *  @param root an empty directory, or one of an earlier call */
export async function copyWhileChanging(
  root: string,
  copies: number,
): Promise<{ readonly copied: number; readonly reported: number }> {
  const [from, to] = [join(root, 'from'), join(root, 'to')];
  // A FIFO of an earlier call would block the program.
  rmSync(from, { recursive: true, force: true });
  mkdirSync(from, { recursive: true });
  writeFileSync(join(root, 'secret'), 'secret');
  const writer = spawn(process.execPath, ['-e', WRITER, from], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => writer.once('close', resolve));
  await new Promise((resolve) => writer.stdout.once('data', resolve));
  let copied = 0;
  let reported = 0;
  try {
    for (let i = 0; i < copies; i++) {
      rmSync(to, { recursive: true, force: true });
      reported += await copyTree(from, to, { nameOf: (name) => name }).then(
        () => 0,
        (error: { details: { failures: unknown[] } }) => error.details.failures.length,
      );
      for (const name of readdirSync(to)) {
        expect(name).toMatch(/^\w+$/);
        if (lstatSync(join(to, name)).isSymbolicLink()) continue;
        const bytes = readFileSync(join(to, name));
        expect(bytes.length === 0 || bytes.equals(Buffer.alloc(bytes.length, bytes[0])), name).toBe(true);
        expect(bytes.includes('secret')).toBe(false);
        copied++;
      }
    }
  } finally {
    writer.kill('SIGKILL');
    await ended;
  }
  return { copied, reported };
}

/** A program that changes files forever: writes them anew byte by byte, grows, truncates, removes and replaces them by
 *  files, links and FIFOs. The bytes of a file are all the same, between its writes. */
const WRITER = `
  const fs = require('node:fs');
  const { execFileSync } = require('node:child_process');
  const directory = process.argv[1];
  const at = (name) => directory + '/' + name;
  const SIZE = 200_000;
  let round = 0;
  const write = (path, from = 0) => {
    const byte = Buffer.alloc(SIZE / 20, 97 + (round % 26));
    const file = fs.openSync(path, from === 0 ? 'w' : 'a');
    for (let i = 0; i < 20; i++) fs.writeSync(file, byte);
    fs.closeSync(file);
  };
  const replace = (name, make) => {
    make(at('../new'));
    fs.renameSync(at('../new'), at(name));
  };
  for (const name of ['rewritten', 'replaced', 'removed', 'link', 'fifo', 'truncated', 'still']) write(at(name));
  console.log('ready');
  for (;;) {
    round++;
    write(at('rewritten'));
    replace('replaced', write);
    if (round % 2) fs.rmSync(at('removed'), { force: true });
    else write(at('removed'));
    fs.truncateSync(at('truncated'), Math.max(0, SIZE - round));
    replace('link', (path) => (round % 2 ? fs.symlinkSync('../secret', path) : write(path)));
    if (round % 50 === 0) replace('fifo', (path) => execFileSync('mkfifo', [path]));
    if (round % 50 === 25) replace('fifo', write);
  }`;
