// Time and memory of the setup.ini parser: `npm run build && node test/bench/parse.mjs INDEX [RUNS]`, where INDEX is a
// setup.ini or setup.xz. Each size runs in a separate process with a separate peak memory. The larger sizes are copies
// of the index with other package names. The bytes are in memory before the measurement. Caveat: the median is of a
// warm process; a command that parses once takes the time of the first run.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { RowParser, SetupIniParser } from '../../dist/core/setup-ini/parser/parse.js';

const CHUNK_BYTES = 1 << 20;
const MB = 1e6;

/** @param {string} path */
function load(path) {
  return path.endsWith('.xz') ? execFileSync('xz', ['-dc', path], { maxBuffer: 2 ** 30 }) : readFileSync(path);
}

/** Returns `times` copies of the index, each with different package names.
 * @param {Buffer} index @param {number} times */
function enlarge(index, times) {
  const text = index.toString('latin1');
  const copies = Array.from({ length: times - 1 }, (_, copy) => {
    const packages = text.slice(text.search(/^@ /m));
    return packages.replaceAll(/^@ /gm, `@ copy-${copy}-`);
  });
  return Buffer.from([text, ...copies].join('\n'), 'latin1');
}

/** The parser of the commands, and the parser for programs that use every record. */
const PARSERS = { rows: RowParser, records: SetupIniParser };

/** @param {Buffer} index @param {'rows' | 'records'} kind */
function parseOnce(index, kind) {
  const started = performance.now();
  const parser = new PARSERS[kind]({ file: 'setup.ini' });
  /** @type {unknown[]} */
  const packages = [];
  for (let at = 0; at < index.length; at += CHUNK_BYTES) {
    for (const pkg of parser.push(index.subarray(at, at + CHUNK_BYTES))) packages.push(pkg);
  }
  for (const pkg of parser.end()) packages.push(pkg);
  return { ms: performance.now() - started, count: packages.length };
}

/** @param {string} path @param {number} times @param {number} runs @param {'rows' | 'records'} kind */
function measure(path, times, runs, kind) {
  const index = enlarge(load(path), times);
  const packages = index
    .toString('latin1')
    .replaceAll(/"[^"]*"/g, '')
    .match(/^@ /gm)?.length;
  const all = [];
  for (let run = 0; run < runs; run++) {
    const { ms, count } = parseOnce(index, kind);
    if (count !== packages) throw new Error(`${count} of ${packages} packages`);
    all.push(ms);
  }
  const sorted = all.toSorted((a, b) => a - b);
  const median = sorted[runs >> 1];
  const peak = process.resourceUsage().maxRSS / 1024;
  const figures = [
    kind.padEnd(7),
    `${times}x`,
    `${(index.length / MB).toFixed(1)} MB`,
    `first ${all[0].toFixed(0)} ms`,
    `median ${median.toFixed(0)} ms (${sorted[0].toFixed(0)}..${sorted[runs - 1].toFixed(0)}, ${runs} runs)`,
    `${(index.length / MB / (median / 1000)).toFixed(0)} MB/s`,
    `peak ${peak.toFixed(0)} MiB`,
  ];
  console.log(figures.join('  '));
}

const [path, runs = '15', times, kind] = process.argv.slice(2);
if (path === undefined) throw new Error('usage: node test/bench/parse.mjs INDEX [RUNS]');
if (times === undefined) {
  const digest = createHash('sha256').update(load(path)).digest('hex').slice(0, 16);
  console.log(`${cpus().length} x ${cpus()[0]?.model}, Node ${process.version}, index sha256 ${digest}`);
  for (const kind of Object.keys(PARSERS)) {
    for (const size of ['1', '2', '5']) {
      execFileSync(process.execPath, [fileURLToPath(import.meta.url), path, runs, size, kind], { stdio: 'inherit' });
    }
  }
} else {
  measure(path, Number(times), Number(runs), kind === 'records' ? kind : 'rows');
}
