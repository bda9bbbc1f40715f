// Time from an index to plans: `npm run build && node test/bench/resolve.mjs INDEX`, where INDEX is a setup.xz.
// Caveats: wall times; run it on an idle machine. Commands are whole processes, including the start of Node.js. The
// first plan in a process is slower than the median, because no code is compiled yet: its time is printed too.
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { CatalogBuilder } from '../../dist/core/catalog/catalog.js';
import { EMPTY_REQUEST } from '../../dist/core/resolve/request.js';
import { resolve } from '../../dist/core/resolve/resolve.js';
import { RowParser } from '../../dist/core/setup-ini/parser/parse.js';

const RUNS = 5;
/** More than RUNS: V8 compiles the code after about twenty runs. */
const CLOSURE_RUNS = 51;
const CHUNK_BYTES = 1 << 20;
const COMMAND = fileURLToPath(new URL('../../bin/cygstrap.js', import.meta.url));
const REPORT_MEMORY =
  'data:text/javascript,process.on("exit",()=>process.stderr.write(`maxrss=${process.resourceUsage().maxRSS}\\n`))';

/** Loads an index like the commands: with one reused buffer and rows. @param {string} path */
function load(path) {
  const file = openSync(path, 'r');
  const parser = new RowParser({ file: path });
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  const builder = new CatalogBuilder();
  for (;;) {
    const bytes = readSync(file, chunk, 0, CHUNK_BYTES, null);
    if (bytes === 0) break;
    for (const pkg of parser.push(chunk.subarray(0, bytes))) builder.add(pkg, parser.header.release);
  }
  for (const pkg of parser.end()) builder.add(pkg, parser.header.release);
  closeSync(file);
  builder.endIndex(path, parser.header);
  return builder.finish();
}

/** @param {number[]} times */
function shown(times) {
  const sorted = times.toSorted((a, b) => a - b);
  const ms = (/** @type {number | undefined} */ value) =>
    `${(value ?? 0).toFixed(value !== undefined && value < 10 ? 1 : 0)} ms`;
  return `${ms(sorted[sorted.length >> 1])} (${ms(sorted[0])} to ${ms(sorted.at(-1))})`;
}

/** @template T @param {() => T} work @param {number} runs @returns {{ first: number, times: number[], result: T }} */
function timed(work, runs = RUNS) {
  const started = performance.now();
  let result = work();
  const first = performance.now() - started;
  const times = [];
  for (let run = 0; run < runs; run++) {
    const again = performance.now();
    result = work();
    times.push(performance.now() - again);
  }
  return { first, times, result };
}

/** Environment of the commands, without NODE_EXTRA_CA_CERTS, which delays the start of Node.js by 35 ms. */
const ENVIRONMENT = Object.fromEntries(['PATH', 'HOME'].map((name) => [name, process.env[name]]));

/** Measures a command. One more run measures its peak memory, because that measurement takes time.
 *  @param {string} label @param {string[]} args @param {Record<string, string>} env @param {() => void} [before] */
function command(label, args, env, before = () => {}) {
  const run = (/** @type {string[]} */ ...options) => {
    before();
    const started = performance.now();
    const { status, stderr, stdout } = spawnSync(process.execPath, [...options, COMMAND, ...args], {
      env: { ...ENVIRONMENT, ...env },
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
    if (status !== 0 || !stdout.includes('to download')) throw new Error(`${label}: exit ${status}\n${stderr}`);
    return { ms: performance.now() - started, stderr };
  };
  const times = Array.from({ length: RUNS }, () => run().ms);
  const peak = Number(/maxrss=(\d+)/.exec(run('--import', REPORT_MEMORY).stderr)?.[1] ?? 0) / 1024;
  console.log(`${label.padEnd(58)} ${shown(times)}, peak ${peak.toFixed(0)} MiB`);
}

setFlagsFromString('--semi-space-growth-factor=16'); // as the commands that read an index
const [index] = process.argv.slice(2);
if (index === undefined) throw new Error('usage: node test/bench/resolve.mjs INDEX.xz');
const folder = mkdtempSync(join(tmpdir(), 'cygstrap-bench-'));
try {
  const plain = join(folder, 'setup.ini');
  writeFileSync(plain, execFileSync('xz', ['-dc', index], { maxBuffer: 2 ** 30 }));
  console.log(
    `Node.js ${process.version}, ${cpus().length} x ${cpus()[0]?.model}; ` +
      `${(readFileSync(plain).length / 1e6).toFixed(1)} MB of index; median of ${RUNS} (least to most)`,
  );

  // The commands run first, while this process is small: starting a child copies its page tables.
  const cache = join(folder, 'cache');
  const words = ['resolve', 'gcc-core', 'vim', 'git', '--index'];
  const forget = () => rmSync(cache, { recursive: true, force: true });
  command('cygstrap resolve gcc-core vim git, plain text', [...words, plain], { XDG_CACHE_HOME: cache });
  command('cygstrap resolve gcc-core vim git, .xz, first time', [...words, index], { XDG_CACHE_HOME: cache }, forget);
  command('cygstrap resolve gcc-core vim git, .xz, again', [...words, index], { XDG_CACHE_HOME: cache });
  command('cygstrap resolve --category All, plain text', ['resolve', '--category', 'All', '--index', plain], {
    XDG_CACHE_HOME: cache,
  });

  const { times: loading, result: catalog } = timed(() => load(plain));
  console.log(`${'plain file to catalog'.padEnd(58)} ${shown(loading)}`);
  for (const [label, request, runs] of /** @type {const} */ ([
    ['closure of gcc-core, vim and git', { packages: ['gcc-core', 'vim', 'git'] }, CLOSURE_RUNS],
    ['closure of --category All', { categories: ['All'] }, RUNS],
  ])) {
    const { first, times, result } = timed(() => resolve(catalog, { ...EMPTY_REQUEST, ...request }), runs);
    if (result.kind !== 'plan') throw new Error(`${label}: refused`);
    console.log(
      `${label.padEnd(58)} ${shown(times)}, the first ${first.toFixed(0)} ms; ${result.plan.packages.length} packages`,
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
