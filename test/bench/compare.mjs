// Compares this build with another one beside it, command by command, in turn: node test/bench/compare.mjs OTHER
// INDEX.xz [RUNS] OTHER is a built checkout. Prints medians, peak memory of the largest run, and the median of the
// pairwise ratios.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const [other, index, runsText = '7'] = process.argv.slice(2);
if (other === undefined || index === undefined) throw new Error('usage: compare.mjs OTHER INDEX.xz [RUNS]');
const runs = Number(runsText);
const builds = { other: resolve(other), this: fileURLToPath(new URL('../..', import.meta.url)) };
const work = mkdtempSync(join(tmpdir(), 'cygstrap-compare-'));
const plain = join(work, 'setup.ini');
writeFileSync(plain, spawnSync('xz', ['-dc', index], { maxBuffer: 1 << 30 }).stdout);

const request = ['resolve', 'gcc-core', 'vim', 'git', '--index'];
/** What is timed: the arguments, and whether each run begins with an empty cache. */
const CASES = [
  { name: '--version', argv: ['--version'], isCold: false },
  { name: 'resolve, plain text', argv: [...request, plain], isCold: false },
  { name: 'resolve, .xz, first run', argv: [...request, index], isCold: true },
  { name: 'resolve, .xz, first run, without `xz`', argv: [...request, index], isCold: true, PATH: '/nowhere' },
  { name: 'resolve, .xz, later runs', argv: [...request, index], isCold: false },
  { name: 'resolve --category All', argv: ['resolve', '--category', 'All', '--index', plain], isCold: false },
];

/** Runs one command with GNU time; returns seconds and MiB. */
function measure(root, argv, cache, PATH = process.env.PATH) {
  const report = join(work, 'time');
  const { status, stderr } = spawnSync(
    '/usr/bin/time',
    ['-f', '%e %M', '-o', report, process.execPath, join(root, 'bin/cygstrap.js'), ...argv],
    { env: { ...process.env, PATH, XDG_CACHE_HOME: cache }, stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`${argv.join(' ')} failed: ${stderr}`);
  const [seconds = 0, kilobytes = 0] = readFileSync(report, 'utf8').trim().split(' ').map(Number);
  return { seconds, mebibytes: kilobytes / 1024 };
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

try {
  for (const { name, argv, isCold, PATH } of CASES) {
    const found = { other: [], this: [] };
    for (let run = -1; run < runs; run++)
      for (const [build, root] of Object.entries(builds)) {
        const cache = join(work, `${build}-${isCold ? `${name}-${run}` : 'warm'}`);
        const figures = measure(root, argv, cache, PATH);
        // The first pair warms the disk and the cache.
        if (run >= 0) found[build].push(figures);
      }
    const ratios = found.this.map(({ seconds }, at) => seconds / found.other[at].seconds);
    const text = (build) =>
      `${(median(found[build].map(({ seconds }) => seconds)) * 1000).toFixed(0)} ms, ` +
      `${Math.max(...found[build].map(({ mebibytes }) => mebibytes)).toFixed(0)} MiB`;
    console.log(`${name}: other ${text('other')}; this ${text('this')}; ratio ${median(ratios).toFixed(2)}`);
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
