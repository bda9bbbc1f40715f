// Serves one directory with `cygstrap serve` and with nginx on loopback, and measures both with wrk, in turns. Needs
// nginx and wrk. Run: npm run build && node test/bench/serve.mjs [SECONDS [ROUNDS [WORKERS]]]. WORKERS is the number
// of worker processes of nginx, by default one for each core; cygstrap has one process. Prints medians of the rates,
// and of the ratios of all rounds.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../../bin/cygstrap.js', import.meta.url));
/** Sizes in bytes, and the connections that read them at the same time. */
const FILES = { '1 KB': [1000, 16], '20 KB': [20_000, 16], '1 MB': [1_000_000, 16], '100 MB': [100_000_000, 2] };
const [seconds = 3, rounds = 5, workers = cpus().length] = process.argv.slice(2).map(Number);

for (const program of ['nginx', 'wrk']) {
  if (spawnSync(program, ['-v']).error !== undefined) {
    console.log(`skipped: \`${program}\` is not installed`);
    process.exit(0);
  }
}

const root = mkdtempSync(join(tmpdir(), 'cygstrap-bench-'));
const site = join(root, 'site');
const children = [];
try {
  for (const [name, [bytes]] of Object.entries(FILES)) writeFile(pathOf(name), Buffer.alloc(bytes, 'archive'));
  const servers = { cygstrap: await startCygstrap(), nginx: await startNginx() };
  for (const [name, [, connections]] of Object.entries(FILES)) {
    const rates = { cygstrap: [], nginx: [] };
    for (let round = 0; round < rounds; round++)
      for (const [server, url] of Object.entries(servers))
        rates[server].push(measure(`${url}${pathOf(name)}`, connections));
    const [ours, theirs] = Object.values(rates).map(median);
    const ratio = median(rates.cygstrap.map((rate, round) => rate / rates.nginx[round]));
    console.log(
      `${name}: cygstrap ${ours.toFixed(1)}, nginx ${theirs.toFixed(1)} requests/s; ratio ${ratio.toFixed(2)}`,
    );
  }
} finally {
  for (const child of children) child.kill('SIGTERM');
  rmSync(root, { recursive: true, force: true });
}

function pathOf(name) {
  return `x86_64/release/archive/${name.replace(' ', '-')}.tar.xz`;
}

function writeFile(path, bytes) {
  mkdirSync(join(site, path, '..'), { recursive: true });
  writeFileSync(join(site, path), bytes);
}

/** Returns complete requests in a second. */
function measure(url, connections) {
  const { stdout, stderr } = spawnSync(
    'wrk',
    ['-t', '1', '-c', String(connections), '-d', `${seconds}s`, '--timeout', '30s', url],
    { encoding: 'utf8' },
  );
  const [, rate] = /Requests\/sec: *([\d.]+)/.exec(stdout) ?? [];
  if (rate === undefined || /Non-2xx|Socket errors/.test(stdout)) throw new Error(`${stdout}${stderr}`);
  return Number(rate);
}

async function startCygstrap() {
  const child = spawn(process.execPath, [BIN, 'serve', site], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const line = await new Promise((resolve) => child.stdout.once('data', resolve));
  return line.toString().trim();
}

async function startNginx() {
  const port = await freePort();
  const config = join(root, 'nginx.conf');
  writeFileSync(
    config,
    `daemon off; master_process on; worker_processes ${workers}; pid ${root}/nginx.pid; error_log ${root}/error.log;
user root; events { worker_connections 1024; }
http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; client_body_temp_path ${root}/temp;
  server { listen 127.0.0.1:${port}; root ${site}; } }
`,
  );
  children.push(spawn('nginx', ['-c', config], { stdio: ['ignore', 'ignore', 'inherit'] }));
  const url = `http://127.0.0.1:${port}/`;
  for (let tries = 0; ; tries++) {
    const isUp = await fetch(`${url}${pathOf('1 KB')}`).then(
      (response) => response.ok,
      () => false,
    );
    if (isUp) return url;
    if (tries > 100) throw new Error('nginx does not answer');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
