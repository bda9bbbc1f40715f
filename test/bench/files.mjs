// Time of `provides-file` for a repo whose archives it has not read yet, and with the lists in the cache:
// `npm run build && node test/bench/files.mjs [ARCHIVES] [RUNS]` (300, 3). Needs tar and xz. The sizes are spread as
// those of Cygwin's binary archives in 2025: half below 105 kB, a tenth above 2.5 MB, 1 MB on average; the content is
// half random, half text. Each run is a process of its own, with its start, and must find the one file of each tenth
// archive. `xz -dc | tar -t` for each archive, two at a time, is the comparison. The page cache is warm.
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../../bin/cygstrap.js', import.meta.url));
const FILES = 60;

/** Returns a size in bytes; the archives' own are about half of it. @param {number} i @param {number} of */
function sizeOf(i, of) {
  const rank = i / of;
  return Math.round(
    rank < 0.5 ? 4e3 + rank * 400e3 : rank < 0.9 ? 200e3 + (rank - 0.5) * 8e6 : 5e6 + (rank - 0.9) * 1e8,
  );
}

/** @param {string} root @param {number} count */
function fill(root, count) {
  const text = Buffer.from('Some text of a package, as documentation has it. '.repeat(4096));
  let index = 'release: cygwin\narch: x86_64\nsetup-timestamp: 1700000000\n';
  let bytes = 0;
  for (let i = 0; i < count; i++) {
    const tree = join(root, 'tree');
    for (let file = 0; file < FILES; file++) {
      const name =
        file === 0 && i % 10 === 0 ? 'usr/bin/wanted.exe' : `usr/share/doc/p${i}/d${file % 7}/file-${file}.html`;
      mkdirSync(dirname(join(tree, name)), { recursive: true });
      const half = Math.ceil(sizeOf(i, count) / FILES / 2);
      writeFileSync(join(tree, name), Buffer.concat([randomBytes(half), text.subarray(0, half)]));
    }
    const path = `x86_64/release/p${i}/p${i}-1-1.tar.xz`;
    mkdirSync(dirname(join(root, path)), { recursive: true });
    execFileSync('tar', ['-C', tree, '-I', 'xz -1', '-cf', join(root, path), 'usr']);
    rmSync(tree, { recursive: true });
    const archive = readFileSync(join(root, path));
    const sha512 = createHash('sha512').update(archive).digest('hex');
    index += `\n@ p${i}\nsdesc: "p"\ncategory: Test\nversion: 1-1\ninstall: ${path} ${archive.length} ${sha512}\n`;
    bytes += archive.length;
  }
  writeFileSync(join(root, 'x86_64/setup.ini'), index);
  return bytes;
}

/** @param {() => void} work */
function timed(work) {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1000;
}

const [count = 300, runs = 3] = process.argv.slice(2).map(Number);
const root = mkdtempSync(join(tmpdir(), 'cygstrap-bench-'));
try {
  const bytes = fill(root, count);
  console.log(`${count} archives, ${(bytes / 1e6).toFixed(0)} MB, ${count * FILES} files`);
  /** @type {Record<string, number[]>} */
  const times = { cold: [], warm: [], 'xz | tar': [] };
  const search = () => {
    const argv = [CLI, 'provides-file', 'wanted', '--repo', root, '--quiet'];
    const found = execFileSync(process.execPath, argv, {
      env: { ...process.env, XDG_CACHE_HOME: join(root, 'cache') },
    });
    if (found.toString().trim().split('\n').length !== Math.ceil(count / 10))
      throw new Error('it found something else');
  };
  const each = 'xargs -0 -P2 -I{} sh -c \'xz -dc "$1" | tar -t\' _ {} >/dev/null';
  const script = `find ${root}/x86_64/release -name '*.xz' -print0 | ${each}`;
  for (let run = 0; run < runs; run++) {
    rmSync(join(root, 'cache'), { recursive: true, force: true });
    times['cold']?.push(timed(search));
    times['warm']?.push(timed(search));
    times['xz | tar']?.push(timed(() => execFileSync('sh', ['-c', script])));
  }
  for (const [name, all] of Object.entries(times))
    console.log(
      `${name.padEnd(9)} ${all.map((each) => each.toFixed(2)).join(' ')} s, least ${Math.min(...all).toFixed(2)}`,
    );
} finally {
  rmSync(root, { recursive: true });
}
