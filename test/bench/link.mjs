// Fetches the files of one plan over a line that is far from the mirror: cygstrap and curl, through relay.mjs from
// nginx with TLS. Needs nginx, curl, openssl and xz. Run: npm run build && node test/bench/link.mjs INDEX.xz [RTT_MS
// MBIT_PER_S [ROUNDS]] [--no-slow-start] [--other CHECKOUT]. The plan is that of `gcc-core vim git`; its files have
// random content of the right size, and the index is signed again. Curl gets the addresses; it reads no index and
// verifies no file. CHECKOUT is a built checkout of another version. Every round runs all, in turns, and compares with
// curl in the same round; medians are printed.
import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compress, init } from '@bokuweb/zstd-wasm';
import { createMessage, generateKey, sign } from 'openpgp';

const HERE = fileURLToPath(new URL('../..', import.meta.url));
const PACKAGES = ['gcc-core', 'vim', 'git'];
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { 'no-slow-start': { type: 'boolean' }, other: { type: 'string' } },
});
const { other } = values;
const [index, rttMs = '100', mbit = '300', rounds = '5'] = positionals;
if (index === undefined) throw new Error('usage: link.mjs INDEX.xz [RTT_MS MBIT_PER_S [ROUNDS]]');
const root = mkdtempSync(join(tmpdir(), 'cygstrap-link-'));
const at = (name) => join(root, name);
const children = [];

try {
  const files = await makeSite();
  makeCertificate();
  const ports = { h1: await freePort(), h2: await freePort() };
  await startNginx(ports);
  const far = { h1: await startRelay(ports.h1), h2: await startRelay(ports.h2) };
  const runs = commandsFor(far, files);
  const times = new Map(Object.keys(runs).map((name) => [name, []]));
  for (let round = 0; round < Number(rounds); round++)
    for (const [name, run] of Object.entries(runs)) times.get(name).push(await timeOf(run, files));
  const bits = files.reduce((sum, { size }) => sum + size, 0) * 8;
  console.log(
    `${files.length} files, ${(bits / 8e6).toFixed(1)} MB; ${rttMs} ms, ${mbit} Mbit/s: at least ` +
      `${(bits / 1e6 / Number(mbit)).toFixed(2)} s; median of ${rounds}`,
  );
  const curl = times.get('curl');
  for (const [name, list] of times) {
    const ratio = median(list.map((time, i) => time / curl[i]));
    console.log(`${name.padEnd(26)} ${median(list).toFixed(2).padStart(6)} s  ${ratio.toFixed(2)} of curl`);
  }
} finally {
  for (const child of children) child.kill();
  rmSync(root, { recursive: true, force: true });
}

function commandsFor(far, files) {
  const curl = (name) => {
    const urls = files.map(({ path }) => `url="https://127.0.0.1:${far[name]}/${path}"\noutput="repo/${path}"`);
    writeFileSync(at(`curl-${name}`), `${urls.join('\n')}\n`);
    return `curl -sf --parallel --parallel-max 16 --create-dirs --cacert ../ca.pem -K ../curl-${name}`;
  };
  const index = `https://127.0.0.1:${far.h1}/x86_64/setup.zst`;
  const first = `curl -sf --parallel --cacert ../ca.pem -O ${index} -O ${index}.sig`;
  const ours = (build, name, ...options) => {
    const program = [process.execPath, join(build, 'bin/cygstrap.js'), 'fetch', '--quiet', '--no-cache'];
    const trust = ['--keyring', at('key.asc'), '--ca-file', at('ca.pem')];
    return [...program, '--repo', 'repo', '--site', `https://127.0.0.1:${far[name]}/`, ...trust, ...options];
  };
  const runs = {
    curl: { command: ['sh', '-c', curl('h1')] },
    'curl, index first': { command: ['sh', '-c', `${first} && ${curl('h1')}`] },
    'curl, HTTP/2': { command: ['sh', '-c', curl('h2')] },
  };
  for (const [name, build] of Object.entries({ cygstrap: HERE, ...(other && { other: resolve(other) }) })) {
    runs[name] = { command: ours(build, 'h1', ...PACKAGES) };
    runs[`${name}, HTTP/2`] = { command: ours(build, 'h2', '--http2', ...PACKAGES) };
    runs[`${name}, lock`] = { command: ours(build, 'h1'), hasLock: true };
    runs[`${name}, lock --frozen`] = { command: ours(build, 'h1', '--frozen'), hasLock: true };
  }
  return runs;
}

/** Makes a signed mirror; returns its files. */
async function makeSite() {
  const { stdout } = run(['xz', '-dc', index]);
  writeFileSync(at('real.ini'), stdout);
  let text = stdout.toString();
  const lockOf = (file) => {
    run([process.execPath, join(HERE, 'bin/cygstrap.js'), 'lock', ...PACKAGES, '--no-cache', '--index', file]);
    return run([
      process.execPath,
      join(HERE, 'bin/cygstrap.js'),
      'resolve',
      '--json',
      ...PACKAGES,
      '--no-cache',
      '--index',
      file,
    ]);
  };
  const plan = JSON.parse(lockOf(at('real.ini')).stdout);
  const files = plan.packages.map(({ archive: { path, size, sha512 } }) => {
    const content = randomBytes(size);
    write(join('site', path), content);
    text = text.replace(sha512, createHash('sha512').update(content).digest('hex'));
    return { path, size };
  });
  rmSync(at('cygstrap.lock.json'));
  await init();
  const bytes = Buffer.from(compress(Buffer.from(text), 10));
  write('site/x86_64/setup.zst', bytes);
  const { privateKey, publicKey } = await generateKey({
    type: 'rsa',
    rsaBits: 2048,
    userIDs: [{ name: 'bench' }],
    format: 'object',
  });
  const message = await createMessage({ binary: bytes });
  write(
    'site/x86_64/setup.zst.sig',
    await sign({ message, signingKeys: privateKey, detached: true, format: 'binary' }),
  );
  write('key.asc', publicKey.armor());
  lockOf(at('site/x86_64/setup.zst'));
  return files;
}

function write(name, content) {
  mkdirSync(dirname(at(name)), { recursive: true });
  writeFileSync(at(name), content);
}

function makeCertificate() {
  const names = ['-addext', 'subjectAltName=IP:127.0.0.1', '-subj', '/CN=bench', '-days', '2'];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', at('tls.key')];
  run(['openssl', 'req', '-x509', ...key, ...names, '-out', at('ca.pem')]);
}

async function startNginx(ports) {
  const serverOf = (listen) => `server { listen 127.0.0.1:${listen}; root ${root}/site; }`;
  write(
    'nginx.conf',
    `daemon off; user root; worker_processes 1; pid ${root}/pid; error_log ${root}/error.log;
events { worker_connections 256; }
http { access_log off; sendfile on; keepalive_requests 100000;
  ssl_certificate ${at('ca.pem')}; ssl_certificate_key ${at('tls.key')};
  client_body_temp_path ${root}/t1; proxy_temp_path ${root}/t2; fastcgi_temp_path ${root}/t3;
  uwsgi_temp_path ${root}/t4; scgi_temp_path ${root}/t5;
  ${serverOf(`${ports.h1} ssl`)}
  ${serverOf(`${ports.h2} ssl http2`)} }`,
  );
  children.push(spawn('nginx', ['-c', at('nginx.conf')], { stdio: 'inherit' }));
  const probe = ['curl', '-sf', '--retry', '50', '--retry-connrefused', '--retry-delay', '0', '--cacert', at('ca.pem')];
  run([...probe, '-o', '/dev/null', `https://127.0.0.1:${ports.h2}/x86_64/setup.zst.sig`]);
}

async function startRelay(port) {
  const segments = values['no-slow-start'] === true ? '4096' : '10';
  const argv = [join(HERE, 'test/bench/relay.mjs'), String(port), rttMs, mbit, segments];
  const relay = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(relay);
  const [chunk] = await new Promise((done) => relay.stdout.once('data', (...data) => done(data)));
  return Number(chunk.toString());
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

/** Runs one command in an empty directory; returns seconds. Throws unless every file has its size. */
async function timeOf({ command, hasLock = false }, files) {
  rmSync(at('target'), { recursive: true, force: true });
  mkdirSync(at('target'));
  if (hasLock) copyFileSync(at('cygstrap.lock.json'), at('target/cygstrap.lock.json'));
  run(['sync']);
  const start = performance.now();
  run(command, at('target'));
  const seconds = (performance.now() - start) / 1000;
  for (const { path, size } of files)
    if (statSync(at(join('target/repo', path))).size !== size) throw new Error(`wrong size: ${path}`);
  return seconds;
}

/** Runs to a good end; returns stdout. */
function run([command, ...args], cwd = root) {
  const env = { ...process.env, XDG_CONFIG_HOME: root };
  const done = spawnSync(command, args, { cwd, env, maxBuffer: 1 << 30 });
  if (done.status !== 0)
    throw new Error(`${command} ${args.join(' ')}: exit ${done.status}\n${done.stderr.toString()}`);
  return done;
}

function median(list) {
  return list.toSorted((a, b) => a - b)[list.length >> 1];
}
