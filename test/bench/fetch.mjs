// Fetches the same files from one nginx on loopback: cygstrap, aria2c and curl, each followed or accompanied by
// checking SHA-512. Needs nginx, aria2c, curl and sha512sum. Run: npm run build && node test/bench/fetch.mjs [FILES
// BYTES [ROUNDS]] Every round runs all, in turns; what is printed is the median. Ours also makes the files durable and
// writes an index.
import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../../bin/cygstrap.js', import.meta.url));
const LEAST = fileURLToPath(new URL('least.mjs', import.meta.url));
const [files = 5000, bytes = 20_000, rounds = 5] = process.argv.slice(2).map(Number);
const root = mkdtempSync(join(tmpdir(), 'cygstrap-bench-'));
const site = join(root, 'site');

const paths = makeSite();
const port = await freePort();
const nginx = await startNginx(port);
try {
  const url = `http://127.0.0.1:${port}/`;
  writeFileSync(join(root, 'urls'), paths.map((path) => `${url}${path}\n  out=${path}\n`).join(''));
  writeFileSync(join(root, 'curl'), `${paths.map((path) => `url="${url}${path}"\noutput="${path}"`).join('\n')}\n`);
  const runs = {
    cygstrap: [
      [process.execPath, BIN, 'fetch', '--all', '--unsigned', '--no-cache', '--quiet', '--site', url, '--repo', '.'],
    ],
    aria2c: [
      ['aria2c', '-q', '-j16', '--auto-file-renaming=false', '-i', join(root, 'urls')],
      ['sha512sum', '--quiet', '-c', join(root, 'sums')],
    ],
    curl: [
      ['curl', '-s', '--parallel', '--parallel-max', '16', '--create-dirs', '-K', join(root, 'curl')],
      ['sha512sum', '--quiet', '-c', join(root, 'sums')],
    ],
  };
  // What Node.js takes for many small ones, without all that cygstrap does besides.
  if (files > 100) {
    for (const threads of [1, 2])
      runs[`least in Node.js, threads: ${threads}`] = [
        [process.execPath, LEAST, String(port), join(root, 'sums'), String(threads)],
      ];
  }
  // What the machine can do without any network: the same bytes hashed and written, one pipe for each core.
  if (files <= 100) {
    const both = 'mkdir -p "$(dirname "$1")" && tee "$1" < "$0/$1" | sha512sum > /dev/null';
    runs['hash + write alone'] = [
      [
        'sh',
        '-c',
        `cut -c131- '${join(root, 'sums')}' | xargs -P${cpus().length} -I{} sh -c '${both}' '${site}' {}; sync -f .`,
      ],
    ];
  }
  // The same with the network, without a program in between: what a script does by hand.
  if (files <= 100) {
    const piped = 'mkdir -p "$(dirname "$1")" && curl -s "$0$1" | tee "$1" | sha512sum > /dev/null';
    runs['curl | tee | sha512sum'] = [
      [
        'sh',
        '-c',
        `cut -c131- '${join(root, 'sums')}' | xargs -P${cpus().length} -I{} sh -c '${piped}' '${url}' {}; sync -f .`,
      ],
    ];
  }
  const times = Object.fromEntries(Object.keys(runs).map((name) => [name, []]));
  let peak = 0;
  for (let round = 0; round < rounds; round++) {
    for (const [name, commands] of Object.entries(runs)) {
      // Large files make room for the next. Many small ones stay: ext4 without a journal goes round those deleted in
      // the last minute whenever a file is made, and the next to run would pay for that several times over.
      const target = join(root, files <= 100 ? 'target' : `target ${round} ${name}`);
      rmSync(target, { recursive: true, force: true });
      mkdirSync(target);
      // Nobody pays for what an earlier one left to be written.
      spawnSync('sync');
      const start = performance.now();
      for (const [i, command] of commands.entries()) {
        const rss = run(command, target);
        if (name === 'cygstrap' && i === 0) peak = Math.max(peak, rss);
      }
      times[name].push(performance.now() - start);
      if (name === 'cygstrap' && round === rounds - 1)
        report(
          'cygstrap, nothing to do',
          timeOf(() => run(commands[0], target)),
        );
    }
  }
  console.log(
    `Node.js ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? 'cpu'}; ${files} files of ` +
      `${bytes} bytes; median of ${rounds}`,
  );
  for (const [name, list] of Object.entries(times))
    report(
      name,
      median(list),
      `${median(list.map((time, i) => time / Math.min(times.aria2c[i], times.curl[i]))).toFixed(2)} of ` +
        'the faster other',
    );
  console.log(`peak of cygstrap: ${(peak / 1024).toFixed(0)} MiB`);
} finally {
  nginx.kill();
  rmSync(root, { recursive: true, force: true });
}

function makeSite() {
  const lines = ['release: bench', 'arch: x86_64', 'setup-timestamp: 1', ''];
  const sums = [];
  const names = [];
  // Random once; the files differ in their first bytes.
  const content = randomBytes(bytes);
  for (let i = 0; i < files; i++) {
    content.writeUInt32LE(i, 0);
    const path = `x86_64/release/p${i}/p${i}-1-1.tar.xz`;
    mkdirSync(dirname(join(site, path)), { recursive: true });
    writeFileSync(join(site, path), content);
    const sha512 = createHash('sha512').update(content).digest('hex');
    lines.push(
      `@ p${i}`,
      `sdesc: "p${i}"`,
      'category: Base',
      'version: 1-1',
      `install: ${path} ${bytes} ${sha512}`,
      '',
    );
    sums.push(`${sha512}  ${path}\n`);
    names.push(path);
  }
  writeFileSync(join(site, 'x86_64/setup.ini'), lines.join('\n'));
  writeFileSync(join(root, 'sums'), sums.join(''));
  return names;
}

async function startNginx(listen) {
  const config = `daemon off; worker_processes 1; pid ${root}/pid; error_log ${root}/error.log;
events { worker_connections 256; }
http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000;
  client_body_temp_path ${root}/t1; proxy_temp_path ${root}/t2; fastcgi_temp_path ${root}/t3;
  uwsgi_temp_path ${root}/t4; scgi_temp_path ${root}/t5;
  server { listen 127.0.0.1:${listen}; root ${site}; } }`;
  writeFileSync(join(root, 'nginx.conf'), config);
  spawnSync('chmod', ['755', root]);
  const child = spawn('nginx', ['-c', join(root, 'nginx.conf')], { stdio: 'inherit' });
  for (let i = 0; i < 100; i++) {
    const answer = await fetch(`http://127.0.0.1:${listen}/x86_64/setup.ini`).catch(() => undefined);
    if (answer?.ok === true) return child;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('nginx does not answer');
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port: free } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return free;
}

/** Runs to a good end; returns the peak of its memory in KiB. */
function run([command, ...args], cwd) {
  const { status, stderr } = spawnSync('/usr/bin/time', ['-f', '%M', command, ...args], {
    cwd,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (status !== 0) throw new Error(`${command}: exit ${status}\n${stderr}`);
  return Number(stderr.trim().split('\n').at(-1));
}

function timeOf(work) {
  const start = performance.now();
  work();
  return performance.now() - start;
}

function median(list) {
  return list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
}

function report(name, ms, note = '') {
  console.log(`${name.padEnd(28)} ${ms.toFixed(0).padStart(8)} ms  ${note}`);
}
