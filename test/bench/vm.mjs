// From `cygstrap vm run` typed to the first output of the command, for machines with little and much RAM, three ways:
// RAM mapped from the snapshot's file (ours), and the whole memory as one stream, packed by zstd (a portable snapshot)
// and by gzip (as nixpkgs' Windows VM had it). And the first with a controller. Run: npm run build && node
// test/bench/vm.mjs [MIB...] (by default 512 2048 4096). Needs what `cygstrap doctor` lists, and gzip. The guest has
// just booted and uses about 100 MB of its RAM; one that has worked makes the streams longer, and the mapped file no
// slower.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BIN = join(ROOT, 'bin/cygstrap.js');
const RELEASE = join(ROOT, 'fixtures/release');
const RUNS = 5;
const sizes = process.argv.slice(2).map(Number);
const root = mkdtempSync(join(tmpdir(), 'cygstrap-bench-'));

try {
  cygstrap('lock', 'openssh', 'gcc-core', '--site', RELEASE, '--keyring', join(RELEASE, 'key.gpg'));
  cygstrap(
    'fetch',
    'openssh',
    'gcc-core',
    '--site',
    RELEASE,
    '--keyring',
    join(RELEASE, 'key.gpg'),
    '--repo',
    'repo',
    '--no-cache',
    '--quiet',
  );
  console.log(
    `Node.js ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? 'cpu'}; ` +
      `${spawnSync('qemu-system-x86_64', ['--version'], { encoding: 'utf8' }).stdout.split('\n')[0]}; ` +
      `median of ${RUNS} (least to most)`,
  );
  for (const mib of sizes.length === 0 ? [512, 2048, 4096] : sizes) await measure(mib);
} finally {
  rmSync(root, { recursive: true, force: true });
}

/** @param {number} mib */
async function measure(mib) {
  const vm = join(root, `vm-${mib}`);
  const install = cygstrap('vm', 'install', '--repo', 'repo', '--memory', `${mib}M`, '--vm-dir', vm, '--quiet');
  for (const [name, words] of /** @type {const} */ ([
    ['RAM mapped from a file', []],
    ['one stream, zstd', ['--portable']],
  ])) {
    const key = cygstrap('vm', 'snapshot', install, '--vm-dir', vm, '--quiet', ...words);
    const { made, state, ram } = JSON.parse(readFileSync(join(vm, 'snapshot', key, 'stage.json'), 'utf8'));
    await report(
      `${mib} MiB, ${name}`,
      vm,
      key,
      `stood still ${made.stoppedMs} ms for it; ` +
        `${((state.sizeBytes + (ram === null ? 0 : usedBytes(join(vm, 'snapshot', key, 'ram')))) / 1e6).toFixed(0)} MB`,
    );
    if (ram === null) {
      gzipped(vm, key);
      await report(
        `${mib} MiB, one stream, gzip`,
        vm,
        key,
        `${(statSync(join(vm, 'snapshot', key, 'state')).size / 1e6).toFixed(0)} MB`,
      );
    } else {
      for (const topology of ['stream', 'vde'])
        await report(`${mib} MiB, controller over ${topology}`, vm, key, 'the same snapshot', '--topology', topology);
      await privateMemory(vm, key);
    }
  }
}

/** Packs the stream of a portable snapshot anew, and has gzip unpack it. @param {string} vm @param {string} key */
function gzipped(vm, key) {
  const directory = join(vm, 'snapshot', key);
  const path = join(directory, 'state');
  chmodSync(path, 0o600);
  const { status } = spawnSync('sh', ['-c', 'zstd -dcq "$0" | gzip > "$0.gz" && mv "$0.gz" "$0"', path]);
  if (status !== 0) throw new Error('gzip failed');
  const manifest = JSON.parse(readFileSync(join(directory, 'stage.json'), 'utf8'));
  manifest.state = {
    sizeBytes: statSync(path).size,
    sha256: createHash('sha256').update(readFileSync(path)).digest('hex'),
  };
  writeFileSync(join(directory, 'stage.json'), JSON.stringify(manifest));
  const known = JSON.parse(readFileSync(join(vm, 'host.json'), 'utf8'));
  known.host.tools.zstd = '/usr/bin/gzip';
  writeFileSync(join(vm, 'host.json'), JSON.stringify(known));
}

/** @param {string} label @param {string} vm @param {string} key @param {string} note @param {string[]} words */
async function report(label, vm, key, note, ...words) {
  const times = [];
  for (let run = 0; run <= RUNS; run++) {
    const ms = await firstOutput(vm, key, words);
    // The first one fills the host's cache of the files.
    if (run > 0) times.push(ms);
  }
  const sorted = times.toSorted((a, b) => a - b);
  console.log(
    `${label.padEnd(36)} ${sorted[RUNS >> 1]?.toFixed(0).padStart(6)} ms (${sorted[0]?.toFixed(0)} to ` +
      `${sorted.at(-1)?.toFixed(0)}); ${note}`,
  );
}

/** @param {string} vm @param {string} key @param {string[]} words @returns {Promise<number>} */
async function firstOutput(vm, key, words) {
  const start = performance.now();
  const child = spawn(
    process.execPath,
    [BIN, 'vm', 'run', '--snapshot', key, '--vm-dir', vm, ...words, '--', 'echo', 'first'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let first = 0;
  let text = '';
  child.stdout.on('data', (chunk) => {
    if (first === 0) first = performance.now() - start;
    text += chunk;
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  if (code !== 0 || text !== 'first\n') throw new Error(`exit ${code}: ${text}`);
  return first;
}

/** What two machines revived from one snapshot do not share. @param {string} vm @param {string} key */
async function privateMemory(vm, key) {
  const children = [1, 2].map(() =>
    spawn(
      process.execPath,
      [BIN, 'vm', 'run', '--snapshot', key, '--vm-dir', vm, '--', 'sh', '-c', 'echo up; sleep 4'],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    ),
  );
  const ended = children.map((child) => new Promise((resolve) => child.on('close', resolve)));
  await Promise.all(children.map((child) => new Promise((resolve) => child.stdout.once('data', resolve))));
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const sizes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        if (
          !readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(join(vm, 'snapshot', key, 'ram')) ||
          !readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('qemu')
        )
          return [];
        const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
        return [
          ['Private_Clean', 'Private_Dirty'].reduce(
            (sum, name) => sum + Number(new RegExp(`${name}:\\s+(\\d+)`).exec(text)?.[1] ?? 0),
            0,
          ),
        ];
      } catch {
        return [];
      }
    });
  console.log(
    `${''.padEnd(36)} two at once: private memory of each ` +
      sizes.map((kib) => `${(kib / 1024).toFixed(0)} MiB`).join(', '),
  );
  await Promise.all(ended);
}

/** @param {string} path */
function usedBytes(path) {
  return statSync(path).blocks * 512;
}

/** @param {...string} args @returns {string} */
function cygstrap(...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, ...args], { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error(`cygstrap ${args.join(' ')}: exit ${status}\n${stderr}`);
  return stdout.trim();
}
