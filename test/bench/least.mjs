// The least that a Node.js program does to fetch files and check them: plain sockets that stay open, one hash, one
// write; no proxy, no TLS, no redirect, no retry, no resume, no web page told apart, no index, nothing durable. `node
// least.mjs PORT SUMS THREADS`, where SUMS has a line `SHA512  PATH` for each file of one size. For fetch.mjs, to see
// what Node.js itself takes.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { Worker, isMainThread, workerData } from 'node:worker_threads';

const CONNECTIONS = 16;

if (isMainThread) {
  const [port = 0, , threads = 1] = process.argv.slice(2).map(Number);
  const files = readFileSync(process.argv[3] ?? '', 'utf8')
    .trim()
    .split('\n')
    .map((line) => ({ sha512: line.slice(0, 128), path: line.slice(130) }));
  const shares = Array.from({ length: threads }, (_, share) => files.filter((__, i) => i % threads === share));
  await Promise.all(
    shares.map((share) =>
      threads === 1 ? fetchAll(port, share, CONNECTIONS) : inThread(port, share, CONNECTIONS / threads),
    ),
  );
} else {
  const { port, share, connections } = workerData;
  await fetchAll(port, share, connections);
}

/** @typedef {{ sha512: string, path: string }} File */

/** @param {number} port @param {File[]} share @param {number} connections */
function inThread(port, share, connections) {
  return new Promise((resolve, reject) => {
    new Worker(new URL(import.meta.url), { workerData: { port, share, connections } })
      .once('exit', resolve)
      .once('error', reject);
  });
}

/** @param {number} port @param {File[]} files @param {number} connections */
async function fetchAll(port, files, connections) {
  const left = files.values();
  await Promise.all(Array.from({ length: connections }, () => fetchSome(port, left)));
}

/** @param {number} port @param {Iterator<File>} left */
function fetchSome(port, left) {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    /** @type {File | undefined} */
    let file;
    let received = Buffer.alloc(0);
    const ask = () => {
      file = left.next().value;
      if (file === undefined) socket.end(() => resolve(undefined));
      else socket.write(`GET /${file.path} HTTP/1.1\r\nHost: bench\r\n\r\n`, 'latin1');
    };
    socket
      .once('connect', ask)
      .once('error', reject)
      .on('data', (chunk) => {
        received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
        const head = received.indexOf('\r\n\r\n');
        if (head < 0 || file === undefined) return;
        const bodyBytes = Number(/content-length: (\d+)/i.exec(received.toString('latin1', 0, head))?.[1]);
        const body = received.subarray(head + 4);
        if (body.length < bodyBytes) return;
        received = Buffer.alloc(0);
        if (createHash('sha512').update(body).digest('hex') !== file.sha512)
          reject(new Error(`wrong bytes: ${file.path}`));
        mkdirSync(dirname(file.path), { recursive: true });
        writeFileSync(file.path, body);
        ask();
      });
  });
}
