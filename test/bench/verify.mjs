// Time of `verify` against sha512sum, both reading the same repo from the page cache, in turns:
// `npm run build && node test/bench/verify.mjs [GB] [RUNS] [DIRECTORY]` (3 GB, 5 runs, a temporary directory). A third
// of the bytes lies in files of 100 MB, a third in such of 1 MB, a third in such of 100 kB. Each run of verify is a
// process of its own, with its start; it must find nothing in an intact repo, and one flipped byte when there is one.
// sha512sum is given the paths alone: it compares nothing, and is two processes, as verify uses two threads. Caveat: on
// a slow disk and a cold cache both wait for the disk.
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MB = 1e6;
const JOBS = '2';

/** @param {string} root @param {number} totalBytes */
function fill(root, totalBytes) {
  const block = randomBytes(MB);
  let index = 'release: cygwin\narch: x86_64\nsetup-timestamp: 1700000000\n';
  let count = 0;
  for (const sizeBytes of [100 * MB, MB, MB / 10]) {
    for (let left = totalBytes / 3; left >= sizeBytes; left -= sizeBytes) {
      const path = `x86_64/release/p${count}/p${count}-1-1.tar.xz`;
      const hash = createHash('sha512');
      mkdirSync(dirname(join(root, path)), { recursive: true });
      const file = openSync(join(root, path), 'w');
      for (let at = 0; at < sizeBytes; at += MB) {
        block.writeUInt32LE((count * 1009 + at / MB) >>> 0);
        const piece = block.subarray(0, Math.min(MB, sizeBytes - at));
        hash.update(piece);
        writeSync(file, piece);
      }
      closeSync(file);
      index +=
        `\n@ p${count}\nsdesc: "p"\ncategory: Test\nversion: 1-1\ninstall: ${path} ${sizeBytes} ` +
        `${hash.digest('hex')}\n`;
      count++;
    }
  }
  writeFileSync(join(root, 'x86_64/setup.ini'), `# cygstrap: lists only what this repo has\n${index}`);
  return count;
}

/** @param {() => void} work */
function timed(work) {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1000;
}

/** @param {number[]} all */
function median(all) {
  return all.toSorted((a, b) => a - b)[all.length >> 1] ?? 0;
}

/** One verify in this process; prints what it found. @param {string} root */
async function verifyOnce(root) {
  const { verifyRepo } = await import('../../dist/api/verify.js');
  const { files, sizeBytes, damaged } = await verifyRepo({ repo: root, locks: [], isQuick: false });
  process.stdout.write(
    JSON.stringify({ files, sizeBytes, damaged, peakMiB: Math.round(process.resourceUsage().maxRSS / 1024) }),
  );
}

/** @param {string} root */
function verify(root) {
  return JSON.parse(
    execFileSync(process.execPath, [fileURLToPath(import.meta.url), '--once', root], { encoding: 'utf8' }),
  );
}

/** @param {string} file */
function flipByte(file) {
  const handle = openSync(file, 'r+');
  const byte = Buffer.alloc(1);
  readSync(handle, byte, 0, 1, 12_345);
  byte[0] = (byte[0] ?? 0) ^ 1;
  writeSync(handle, byte, 0, 1, 12_345);
  closeSync(handle);
}

/** @param {number} gigabytes @param {number} runs @param {string} parent */
function measure(gigabytes, runs, parent) {
  const root = mkdtempSync(join(parent, 'cygstrap-bench-'));
  try {
    const count = fill(root, gigabytes * 1e9);
    const script = `find "$1" -name '*.tar.xz' -print0 | xargs -0 -n 16 -P ${JOBS} sha512sum > /dev/null`;
    const [ours, theirs] = [[], []];
    let peakMiB = 0;
    for (let run = 0; run < runs; run++) {
      theirs.push(timed(() => execFileSync('sh', ['-c', script, 'sh', root])));
      ours.push(
        timed(() => {
          const result = verify(root);
          peakMiB = Math.max(peakMiB, result.peakMiB);
          if (result.damaged !== 0 || result.files !== count)
            throw new Error(`found ${JSON.stringify(result)} in ${count} intact files`);
        }),
      );
    }
    flipByte(join(root, 'x86_64/release/p0/p0-1-1.tar.xz'));
    if (verify(root).damaged !== 1) throw new Error('a flipped byte was not found');
    const rate = (/** @type {number[]} */ all) =>
      `${((gigabytes * 1000) / median(all)).toFixed(0)} MB/s, median ${median(all).toFixed(2)} s ` +
      `(${Math.min(...all).toFixed(2)}..${Math.max(...all).toFixed(2)})`;
    console.log(
      `${cpus().length} x ${cpus()[0]?.model}, Node ${process.version}: ${gigabytes} GB in ${count} ` +
        `files, ${runs} runs each in turns`,
    );
    console.log(`cygstrap verify            ${rate(ours)}, peak ${peakMiB} MiB`);
    console.log(`xargs -P${JOBS} sha512sum        ${rate(theirs)}`);
    console.log(`sha512sum takes ${(median(theirs) / median(ours)).toFixed(2)} times as long`);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

const [first, second = '5', parent = tmpdir()] = process.argv.slice(2);
if (first === '--once') await verifyOnce(second);
else measure(Number(first ?? '3'), Number(second), parent);
